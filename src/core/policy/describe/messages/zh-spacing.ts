/** Puts the space between Chinese and Latin text, which Chinese technical writing has, wherever phrases were joined without. */
export function spaceChinese(text: string): string {
  return text
    .replaceAll(/(\p{Script=Han})(?=[A-Za-z0-9!<(])/gu, '$1 ')
    .replaceAll(/([A-Za-z0-9)>*])(?=\p{Script=Han})/gu, '$1 ')
    .replaceAll(/ {2,}/g, ' ');
}
