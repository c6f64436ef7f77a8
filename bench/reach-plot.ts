/** One point of a curve of growth. */
interface Point {
  readonly pods: number;
  readonly seconds: number;
  readonly megabytes: number;
}

const WIDTH = 720;
const HEIGHT = 420;
const MARGIN = { left: 64, right: 64, top: 40, bottom: 48 };

/** Time (left) and memory (right) over the number of pods, all axes logarithmic, as a stand-alone SVG. */
export function growthPlot(points: readonly Point[]): string {
  const x = scale(decades(points.map((each) => each.pods)), MARGIN.left, WIDTH - MARGIN.right);
  const seconds = scale(decades(points.map((each) => each.seconds)), HEIGHT - MARGIN.bottom, MARGIN.top);
  const memory = scale(decades(points.map((each) => each.megabytes)), HEIGHT - MARGIN.bottom, MARGIN.top);
  const line = (y: (point: Point) => number, colour: string): string => {
    const path = points.map((each, i) => `${i === 0 ? 'M' : 'L'}${round(x.at(each.pods))},${round(y(each))}`).join(' ');
    const dots = points.map((each) => `<circle cx="${round(x.at(each.pods))}" cy="${round(y(each))}" r="3"/>`).join('');
    return `<g stroke="${colour}" fill="${colour}"><path d="${path}" fill="none" stroke-width="2"/>${dots}</g>`;
  };
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="white"/>`,
    `<text x="${WIDTH / 2}" y="20" text-anchor="middle">sluice reach, all pairs: growth with the cluster</text>`,
    ...x.ticks.map((tick) => text(x.at(tick), HEIGHT - MARGIN.bottom + 18, 'middle', `${tick} pods`)),
    ...seconds.ticks.flatMap((tick) => [
      `<path d="M${MARGIN.left},${round(seconds.at(tick))}H${WIDTH - MARGIN.right}" stroke="#ddd"/>`,
      text(MARGIN.left - 6, seconds.at(tick) + 4, 'end', `${tick} s`, '#1667c1'),
    ]),
    ...memory.ticks.map((tick) =>
      text(WIDTH - MARGIN.right + 6, memory.at(tick) + 4, 'start', `${tick} MB`, '#c15516'),
    ),
    line((each) => seconds.at(each.seconds), '#1667c1'),
    line((each) => memory.at(each.megabytes), '#c15516'),
    text(WIDTH / 2, HEIGHT - 8, 'middle', 'blue: seconds; orange: peak memory of the process, input included'),
    '</svg>',
    '',
  ].join('\n');
}

interface Scale {
  readonly ticks: readonly number[];
  at(value: number): number;
}

/** Powers of ten from below the least value to above the greatest. */
function decades(values: readonly number[]): number[] {
  const first = Math.floor(Math.log10(Math.min(...values)));
  const last = Math.max(first + 1, Math.ceil(Math.log10(Math.max(...values))));
  return Array.from({ length: last - first + 1 }, (_, i) => Number(`1e${first + i}`));
}

function scale(ticks: readonly number[], from: number, to: number): Scale {
  const [low, high] = [Math.log10(ticks[0]!), Math.log10(ticks.at(-1)!)];
  return { ticks, at: (value) => from + ((Math.log10(value) - low) / (high - low)) * (to - from) };
}

function text(x: number, y: number, anchor: string, content: string, colour = '#333'): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" fill="${colour}">${content}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
