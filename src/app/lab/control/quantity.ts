const SUFFIX: Readonly<Record<string, number>> = {
  '': 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
};

/** The number that a Kubernetes quantity (`500m`, `1Gi`, `1e3`) stands for, or undefined when it is none. */
export function parseQuantity(text: string | number | undefined): number | undefined {
  const parts = /^([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([A-Za-z]*)$/u.exec(String(text ?? ''));
  const factor = SUFFIX[parts?.[2] ?? '?'];
  const value = Number(parts?.[1]);
  return factor === undefined || Number.isNaN(value) ? undefined : value * factor;
}
