/** Descent with noisy gradients on a round bowl: the cloud follows the rate, its mean does not. */

import {
  announcer, button, clamp, controls, diamond, digits, disk, fixed, path, plot, range,
  readouts, row, sample, slider, svg, html,
} from "live/figure";

const ARRIVAL = 400; // steps before the points count
const POINTS = 1000;
const SIDE = 2.5; // half of what is drawn of the plane
const LOSSES = [-5.5, 0.5]; // powers of ten

/** Standard normal numbers, the same at every call: pairs from a generator with a fixed seed. */
export function normals(pairs) {
  let state = 20261121;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return range(pairs).map(() => {
    const length = Math.sqrt(-2 * Math.log(1 - uniform()));
    const angle = 2 * Math.PI * uniform();
    return [length * Math.cos(angle), length * Math.sin(angle)];
  });
}

const NOISE = normals(ARRIVAL + POINTS);

/** The last points of a run from the minimum, with batches of B: w ← w − η (w + ξ/√B). */
export function cloud({ eta, batch, noise = NOISE, count = POINTS }) {
  let w = [0, 0];
  const points = noise.map((xi) => (w = w.map((x, i) => x - eta * (x + xi[i] / Math.sqrt(batch)))));
  return points.slice(-count);
}

export const mean = (points) =>
  [0, 1].map((i) => points.reduce((sum, w) => sum + w[i], 0) / points.length);

export const loss = ([x, y]) => (x * x + y * y) / 2;

/** The loss of a point in the long run, and that of the mean of n points; noise of variance 1. */
export const floor = (eta, batch) => eta / ((2 - eta) * batch);
export const floorOfMean = (batch, n = POINTS) => 1 / (batch * n);

const KINDS = [
  { name: "one point", line: "blue", mark: disk },
  { name: "mean of 1,000 points", line: "vermilion dashed", mark: diamond },
];
const RATES = [0.02, 1.5];
const FIRST = { eta: 0.4, batch: 1 };

/** Build the figure; `mount` puts it into the page. */
export function build() {
  const state = { ...FIRST };
  const spoken = announcer();
  let width = 0;
  let points = [];

  const set = (changes) => {
    Object.assign(state, changes);
    spoken.say(update());
  };

  const plane = plot({
    label: "The last 1,000 points in the space of the two parameters, and their mean.",
    x: { low: -SIDE, high: SIDE, ticks: [-2, 0, 2], label: "first parameter" },
    y: { low: -SIDE, high: SIDE, ticks: [-2, 0, 2], label: "second parameter" },
    drag: () => {},
  });
  const losses = plot({
    label: "The loss of one point and of the mean, against the rate; the table has the numbers.",
    x: { low: 0, high: RATES[1], ticks: [0, 0.5, 1, 1.5], label: "rate η" },
    y: { low: LOSSES[0], high: LOSSES[1], ticks: [-5, -3, -1], label: "power of ten of the loss" },
    drag: (eta) => set({ eta: clamp(Math.round(eta * 100) / 100, ...RATES) }),
  });

  const sliders = {
    eta: slider({
      label: "Rate η",
      bounds: [...RATES, 0.01],
      say: (eta) => fixed(eta, 2),
      change: (eta) => set({ eta }),
    }),
    batch: slider({
      label: "Batch B, a power of 2",
      bounds: [0, 6, 1],
      say: (power) => String(2 ** power),
      change: (power) => set({ batch: 2 ** power }),
    }),
  };
  const table = readouts(
    "Loss above the minimum",
    KINDS.map(({ name, line }) => [sample(line), ` ${name}`]),
    ["in this run", "on average over runs"],
  );

  const height = (value) => clamp(Math.log10(value), ...LOSSES);
  const measured = () => [
    points.reduce((sum, w) => sum + loss(w), 0) / points.length,
    loss(mean(points)),
  ];

  const render = () => {
    const beside = width >= 560;
    const side = beside ? (width - 16) / 2 : width;
    const size = [side, 260];
    plane.render(size, () => [
      svg("path", { class: "live-line blue", "stroke-linecap": "round", d: dots(plane, points) }),
      diamond(plane.at(...mean(points)), "vermilion"),
    ]);
    losses.render(size, () => {
      const rates = range(149).map((i) => RATES[0] + i / 100);
      const curves = [
        rates.map((eta) => height(floor(eta, state.batch))),
        rates.map(() => height(floorOfMean(state.batch))),
      ];
      return KINDS.map(({ mark, line, name }, i) => {
        const here = losses.at(state.eta, height(measured()[i]));
        const [x, y] = losses.at(0.75, curves[i][73]);
        return svg("g", {}, losses.curve(rates, curves[i], line), mark(here, line.split(" ")[0]),
          svg("text", { x, y: y + [-18, 18][i], "text-anchor": "middle" }, name));
      });
    });
  };

  /** Bring everything up to the state; return it in words. */
  const update = () => {
    points = cloud(state);
    sliders.eta.show(state.eta);
    sliders.batch.show(Math.log2(state.batch));
    const expected = [floor(state.eta, state.batch), floorOfMean(state.batch)];
    table.fill([measured().map(digits), expected.map(digits)]);
    if (width) render();
    return `One point has a loss of ${digits(expected[0])}, the mean of 1,000 has ${digits(expected[1])}, whatever the rate.`;
  };

  update();
  return {
    state,
    set,
    sliders: { eta: sliders.eta, batch: { bounds: [1, 64, 1] } },
    label: "descent with noisy gradients, by rate and batch",
    caption:
      "The last 1,000 points of a run, in the space of the two parameters (left), and their " +
      "losses (right). Drag the rate: the cloud grows and shrinks, its mean (diamond) stays where " +
      "it is. Raise the batch: both come nearer to the minimum.",
    elements: [
      html("div", { class: "live-plots" }, plane.element, losses.element),
      controls(sliders.eta, sliders.batch),
      row(
        button("A tenth of the rate", () => set({ eta: 0.04, batch: 1 })),
        button("Sixteen times the batch", () => set({ eta: 0.4, batch: 16 })),
        button("Start again", () => set({ ...FIRST })),
      ),
      table.element,
      spoken.element,
    ],
    draw(space) {
      width = space;
      render();
    },
  };
}

/** The points inside the plot as one path of strokes without length, which are drawn as dots. */
const dots = (chart, points) =>
  points
    .filter((w) => w.every((x) => Math.abs(x) < SIDE))
    .map((w) => `${path([chart.at(...w)])}h0`)
    .join("");
