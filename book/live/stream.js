/** A stream of gradients with a mean, a scale and noise: the scale moves SGD alone, the noise Adam. */

import {
  announcer, button, clamp, controls, digits, fixed, html, plot, range, readouts, row, sample,
  slider, svg,
} from "live/figure";

const STEPS = 100;
const TOP = 20; // the largest gradient that is drawn
const FAR = 110; // the largest distance, in rates

/** Independent draws of mean 0 and variance 1, the same ones every time (Box and Muller). */
export function noise(count = STEPS) {
  let seed = 11;
  const uniform = () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return (seed + 0.5) / 4294967296;
  };
  return range(count).map(
    () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
  );
}

const DRAWS = noise();

/** Gradients of the mean −scale, so that the weight goes up. */
export const gradients = ({ power, ratio }) =>
  DRAWS.map((draw) => -(10 ** power) * (1 + ratio * draw));

/** How far descent at the rate 1 has gone before each step and after the last. */
export function descent(stream) {
  const path = [0];
  for (const g of stream) path.push(path.at(-1) - g);
  return path;
}

/** How far Adam at the rate 1 has gone. */
export function adam(stream, [beta1, beta2] = [0.9, 0.999], eps = 1e-8) {
  const path = [0];
  let [m, v] = [0, 0];
  stream.forEach((g, i) => {
    m = beta1 * m + (1 - beta1) * g;
    v = beta2 * v + (1 - beta2) * g ** 2;
    const mean = m / (1 - beta1 ** (i + 1));
    const square = v / (1 - beta2 ** (i + 1));
    path.push(path.at(-1) - mean / (Math.sqrt(square) + eps));
  });
  return path;
}

/** Adam's mean step, in rates, once its averages have settled. */
export const sure = (ratio) => 1 / Math.sqrt(1 + ratio ** 2);

const FIRST = { power: 0, ratio: 1 };

/** Build the figure; `mount` puts it into the page. */
export function build() {
  const state = { ...FIRST };
  const spoken = announcer();
  let width = 0;
  let stream = [];
  let paths = [];

  const set = (changes) => {
    Object.assign(state, changes);
    spoken.say(update());
  };

  const incoming = plot({
    label: "The gradients of 100 steps; the table has what they do.",
    x: { low: 0, high: STEPS, ticks: [0, 50, 100], label: "step" },
    y: { low: -TOP, high: TOP, ticks: [-20, -10, 0, 10, 20], label: "minus the gradient" },
    drag: () => {},
  });
  const gone = plot({
    label: "How far descent and Adam have gone; the table has the numbers.",
    x: { low: 0, high: STEPS, ticks: [0, 50, 100], label: "step" },
    y: { low: -10, high: FAR, ticks: [0, 50, 100], label: "distance gone, in rates" },
    drag: () => {},
  });
  const sliders = {
    power: slider({
      label: "Scale of the gradients",
      bounds: [-1, 1, 0.05],
      say: (power) => `× ${digits(10 ** power)}`,
      change: (power) => set({ power }),
    }),
    ratio: slider({
      label: "Noise-to-signal ratio ρ",
      bounds: [0, 10, 0.1],
      say: (ratio) => fixed(ratio, 1),
      change: (ratio) => set({ ratio }),
    }),
  };
  const table = readouts(
    "The mean step, in rates",
    ["mean step of these 100", "by the formula"],
    [[sample("blue dashed"), " descent"], [sample("vermilion"), " Adam"]],
  );

  const render = () => {
    const beside = width >= 560;
    const size = [beside ? (width - 16) / 2 : width, 220];
    const steps = range(STEPS + 1);
    incoming.render(size, () => [
      level(incoming, 0),
      incoming.curve(steps.slice(1), stream.map((g) => clamp(-g, -TOP, TOP)), "green"),
    ]);
    const inside = paths.map((path) => path.map((d) => clamp(d, -10, FAR)));
    gone.render(size, () => [
      level(gone, 0),
      gone.curve(steps, inside[0], "blue dashed"),
      gone.curve(steps, inside[1], "vermilion"),
      name(gone, inside, 0, "descent"),
      name(gone, inside, 1, "Adam"),
    ]);
  };

  /** Bring everything up to the state; return it in words. */
  const update = () => {
    stream = gradients(state);
    paths = [descent(stream), adam(stream)];
    sliders.power.show(state.power);
    sliders.ratio.show(state.ratio);
    const means = paths.map((path) => path.at(-1) / STEPS);
    const formulas = [10 ** state.power, sure(state.ratio)];
    table.fill(means.map((mean, i) => [fixed(mean, 2), fixed(formulas[i], 2)]));
    if (width) render();
    const [far, near] = paths.map((path) => fixed(path.at(-1), 0));
    return `After 100 steps descent has gone ${far} rates, Adam ${near}.`;
  };

  update();
  return {
    state,
    set,
    sliders,
    label: "a stream of gradients, by scale and noise",
    caption:
      "Left, what the gradients push by in 100 steps; right, how far descent (dashed) and Adam " +
      "(solid) have gone, both at the rate 1. Drag the scale: only descent moves. Drag the " +
      "noise: Adam slows down. What leaves a frame is drawn at its edge.",
    elements: [
      html("div", { class: "live-plots" }, incoming.element, gone.element),
      controls(sliders.power, sliders.ratio),
      row(
        button("Ten times the scale", () => set({ power: 1 })),
        button("No noise", () => set({ ratio: 0 })),
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

const level = (chart, value) => {
  const [[left, y], [right]] = [chart.at(0, value), chart.at(STEPS, value)];
  return svg("path", { class: "live-rule", d: `M${left},${y}H${right}` });
};

/** The name of a path, on the side of it where the other one is not, and inside the frame. */
const name = (chart, paths, i, content) => {
  const at = 60 + 25 * i;
  const above = paths[i][at] >= paths[1 - i][at] && paths[i][at] < FAR - 10;
  const [x, y] = chart.at(at, paths[i][at]);
  const place = { x, y: y + (above ? -8 : 18), "text-anchor": above ? "end" : "start" };
  return svg("text", place, content);
};
