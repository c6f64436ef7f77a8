import type { LabelSelector } from '../kube/types.ts';

// Fields: https://gateway-api.sigs.k8s.io/reference/spec/ (gateway.networking.k8s.io/v1). What the API server fills in
// may be missing: a cluster's definitions need not have the defaults.

/** What of metadata matters here. */
export interface Metadata {
  readonly name?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly resourceVersion?: string;
}

/** `metav1.Condition`. */
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
  /** RFC 3339. */
  readonly lastTransitionTime: string;
}

/** Says by `controllerName` who serves the Gateways of the class. */
export interface GatewayClass {
  readonly metadata?: Metadata;
  readonly spec?: { readonly controllerName?: string; readonly parametersRef?: ObjectReference };
  readonly status?: {
    readonly conditions?: readonly Condition[];
    readonly supportedFeatures?: readonly { readonly name: string }[];
  };
}

/** A reference to another object; what is absent is a default of the field that it stands in. */
export interface ObjectReference {
  readonly group?: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly name?: string;
}

/** A kind of route that a listener takes. */
export interface RouteKind {
  readonly group?: string;
  readonly kind?: string;
}

/** A port of a Gateway, for one hostname or for all. */
export interface Listener {
  readonly name: string;
  readonly hostname?: string;
  readonly port: number;
  readonly protocol: string;
  readonly tls?: {
    readonly mode?: string;
    readonly certificateRefs?: readonly ObjectReference[];
    /** Until v1.3, of the experimental channel. */
    readonly frontendValidation?: object;
  };
  readonly allowedRoutes?: {
    readonly namespaces?: { readonly from?: string; readonly selector?: LabelSelector };
    readonly kinds?: readonly RouteKind[];
  };
}

/** What became of one listener. */
export interface ListenerStatus {
  readonly name: string;
  readonly supportedKinds: readonly RouteKind[];
  readonly attachedRoutes: number;
  readonly conditions: readonly Condition[];
}

/** Where a Gateway is reached; `type` is `IPAddress` unless given. */
export interface GatewayAddress {
  readonly type?: string;
  readonly value?: string;
}

/** Where requests come in. */
export interface Gateway {
  readonly metadata?: Metadata;
  readonly spec?: {
    readonly gatewayClassName?: string;
    readonly listeners?: readonly Listener[];
    readonly addresses?: readonly GatewayAddress[];
    readonly infrastructure?: { readonly parametersRef?: ObjectReference };
    /** What certificates clients need: since v1.4. */
    readonly tls?: { readonly frontend?: object };
  };
  readonly status?: {
    readonly addresses?: readonly GatewayAddress[];
    readonly conditions?: readonly Condition[];
    readonly listeners?: readonly ListenerStatus[];
  };
}

/** The Gateway that a route wants to belong to, or one listener of it. */
export interface ParentReference extends ObjectReference {
  readonly sectionName?: string;
  readonly port?: number;
}

/** A header and its value. */
export interface HttpHeader {
  readonly name: string;
  readonly value: string;
}

/** What becomes of headers: set in place of what is there, added to it, or taken away. */
export interface HeaderFilter {
  readonly set?: readonly HttpHeader[];
  readonly add?: readonly HttpHeader[];
  readonly remove?: readonly string[];
}

/** The path of a redirect or a rewrite: another one, or another beginning. */
export interface PathModifier {
  readonly type?: string;
  readonly replaceFullPath?: string;
  readonly replacePrefixMatch?: string;
}

/** What is done with a request or its answer; `type` says which field counts. */
export interface HttpRouteFilter {
  readonly type?: string;
  readonly requestHeaderModifier?: HeaderFilter;
  readonly responseHeaderModifier?: HeaderFilter;
  readonly requestRedirect?: {
    readonly scheme?: string;
    readonly hostname?: string;
    readonly path?: PathModifier;
    readonly port?: number;
    readonly statusCode?: number;
  };
  readonly urlRewrite?: { readonly hostname?: string; readonly path?: PathModifier };
}

/** A header or query parameter that a request must have; `type` is `Exact` unless given. */
export interface ValueMatch {
  readonly type?: string;
  readonly name: string;
  readonly value: string;
}

/** What a request must be; all of it. */
export interface HttpRouteMatch {
  readonly path?: { readonly type?: string; readonly value?: string };
  readonly headers?: readonly ValueMatch[];
  readonly queryParams?: readonly ValueMatch[];
  readonly method?: string;
}

/** A Service and its share of the requests; the weight is 1 unless given. */
export interface HttpBackendRef extends ObjectReference {
  readonly port?: number;
  readonly weight?: number;
  readonly filters?: readonly HttpRouteFilter[];
}

/** What happens to requests that one of `matches` describes. */
export interface HttpRouteRule {
  readonly name?: string;
  readonly matches?: readonly HttpRouteMatch[];
  readonly filters?: readonly HttpRouteFilter[];
  readonly backendRefs?: readonly HttpBackendRef[];
  readonly timeouts?: { readonly request?: string; readonly backendRequest?: string };
}

/** What a controller says of a route at one of its parents. */
export interface RouteParentStatus {
  readonly parentRef: ParentReference;
  readonly controllerName: string;
  readonly conditions: readonly Condition[];
}

/** Requests of some hosts that come in by the parents, and where they go. */
export interface HttpRoute {
  readonly metadata?: Metadata;
  readonly spec?: {
    readonly parentRefs?: readonly ParentReference[];
    readonly hostnames?: readonly string[];
    readonly rules?: readonly HttpRouteRule[];
  };
  readonly status?: { readonly parents?: readonly RouteParentStatus[] };
}

/** Lets objects of other namespaces refer to some of its own namespace. */
export interface ReferenceGrant {
  readonly metadata?: Metadata;
  readonly spec?: {
    readonly from?: readonly ObjectReference[];
    readonly to?: readonly ObjectReference[];
  };
}

/** `namespace/name` of an object. */
export function keyOf({ metadata }: { readonly metadata?: Metadata }): string {
  return `${metadata?.namespace ?? 'default'}/${metadata?.name ?? ''}`;
}
