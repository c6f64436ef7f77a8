/** A resource of Calico's, as the Kubernetes API and etcd have it alike. What else it has is carried along unread. */
export interface StoredObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: StoredMetadata;
  readonly spec?: unknown;
  readonly [field: string]: unknown;
}

/** Metadata as Calico writes it; fields that are not known here are kept as they are. */
export interface StoredMetadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly creationTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

/** How the objects of one kind lie in etcd. */
export interface EtcdLayout {
  /** Whether a value has an identity (`metadata.uid` and so on) and a status, which a write of the spec must keep. */
  readonly whole: boolean;
  /** All keys of the kind, or of one namespace of it, begin with this, and no others that {@link decode} accepts. */
  prefix(namespace?: string): string;
  keyOf(object: StoredObject): string;
  /** Where an object of this name can be: nearly always one key. */
  keysOf(name: string, namespace: string | undefined): readonly string[];
  encode(object: StoredObject): string;
  /** Without `resourceVersion`, `apiVersion` and `kind`. Undefined: the key or the value is not of this kind. */
  decode(key: string, value: string): StoredObject | undefined;
}
