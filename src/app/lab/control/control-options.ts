/** What the controllers of one cluster are told. */
export interface ControlOptions {
  /** PEM of the API server's certificate authority, published as `kube-root-ca.crt` in every namespace. */
  readonly rootCa: string;
  /** A node whose lease was not renewed for this long is not ready; 16 unless given: eight renewals of the lab's kubelets. */
  readonly nodeGraceSeconds?: number;
  /** Pods that do not say how long they tolerate a dead node stay this long; 5 unless given. */
  readonly evictAfterSeconds?: number;
}
