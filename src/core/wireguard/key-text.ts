/** 32 bytes in base64. */
const KEY = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;

/** Whether a text can be a key of WireGuard's. */
export function isWireguardKey(text: string): boolean {
  return KEY.test(text);
}
