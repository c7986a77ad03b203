/** Momentum in one direction: both eigenvalues of its 2 × 2 matrix, and the path that they make. */

import {
  announcer, button, clamp, controls, diamond, digits, disk, fixed, html, plot, range, readouts,
  row, rule, sample, slider, svg, words,
} from "live/figure";

const STEPS = 60;
const TALL = 1.25; // the plane is drawn up to this, and as wide as there is room
const WIDE = 1.5; // of the position
const BOX = 2; // of the last step

/** Both eigenvalues as [real, imaginary], for the product ηλ and the momentum μ. */
export function eigenvalues(product, mu) {
  const half = (1 + mu - product) / 2;
  const inner = half ** 2 - mu;
  const root = Math.sqrt(Math.abs(inner));
  return inner < 0 ? [[half, root], [half, -root]] : [[half + root, 0], [half - root, 0]];
}

export const size = ([real, imaginary]) => Math.hypot(real, imaginary);

/** By which factor the distance shrinks, or grows, per step in the long run. */
export const factor = (product, mu) => Math.max(...eigenvalues(product, mu).map(size));

/** Position and last step, before the first step and after each: [[w, Δw], …], from 1 at rest. */
export function trajectory({ product, mu, steps = STEPS }) {
  const run = [[1, 0]];
  for (const _ of range(steps)) {
    const [w, last] = run.at(-1);
    const next = mu * last - product * w;
    run.push([w + next, next]);
  }
  return run;
}

/** The momentum at which both eigenvalues meet. */
export const critical = (product) => (1 - Math.sqrt(product)) ** 2;

/** What the path does, in a word. */
export function regime(product, mu) {
  if (product >= 2 * (1 + mu)) return "runs away";
  if ((1 + mu - product) ** 2 < 4 * mu) return "rings";
  return product < 1 + mu ? "slides" : "zigzags";
}

const FIRST = { product: 0.1, mu: 0.9 };
const KINDS = [
  { name: "first eigenvalue", line: "blue", mark: disk },
  { name: "second eigenvalue", line: "vermilion dashed", mark: diamond },
];

/** Build the figure; `mount` puts it into the page. */
export function build() {
  const state = { ...FIRST };
  const spoken = announcer();
  let width = 0;

  const set = (changes) => {
    Object.assign(state, changes);
    spoken.say(update());
  };
  const hundredths = (mu) => clamp(Math.round(mu * 100) / 100, 0, 0.99);

  const real = { low: -TALL, high: TALL, ticks: [-1, 0, 1], label: "real part" };
  const plane = plot({
    label: "The two eigenvalues in the complex plane; the table has the numbers.",
    x: real,
    y: { low: -TALL, high: TALL, ticks: [-1, 0, 1], label: "imaginary part" },
    drag: () => {},
  });
  const portrait = plot({
    label: "The path in the plane of position and last step, from 1 at rest.",
    x: { low: -WIDE, high: WIDE, ticks: [-1, 0, 1], label: "position" },
    y: { low: -BOX, high: BOX, ticks: [-1, 0, 1], label: "last step ÷ √(ηλ)" },
    drag: () => {},
  });

  const sliders = {
    product: slider({
      label: "Rate × curvature ηλ",
      bounds: [0.02, 4.2, 0.02],
      say: (product) => fixed(product, 2),
      change: (product) => set({ product }),
    }),
    mu: slider({
      label: "Momentum μ",
      bounds: [0, 0.99, 0.01],
      say: (mu) => fixed(mu, 2),
      change: (mu) => set({ mu }),
    }),
  };
  const table = readouts(
    "The two eigenvalues",
    KINDS.map(({ name, line }) => [sample(line), ` ${name}`]),
    ["in the plane", "its size: what a step leaves"],
  );

  const inPlot = (value, { low, high }) => clamp(value, low, high);
  const circle = (radius) =>
    range(73).map((i) => [radius * Math.cos((i * Math.PI) / 36), radius * Math.sin((i * Math.PI) / 36)]);

  const render = () => {
    const beside = width >= 560;
    const extent = [beside ? (width - 16) / 2 : width, 250];
    const high = (TALL * (extent[0] - 46)) / (extent[1] - 54); // 46 and 54 are the plot's margins
    Object.assign(real, { low: -high, high });
    plane.render(extent, () => [
      rule(plane, [[-high, 0], [high, 0]]),
      rule(plane, circle(1)),
      rule(plane, circle(Math.sqrt(state.mu)), "dotted"),
      words(plane, [0.72, 0.78], "1", "start"),
      words(plane, [0, Math.sqrt(state.mu)], "√μ", "middle", 16),
      ...eigenvalues(state.product, state.mu).map(([a, b], i) =>
        KINDS[i].mark(plane.at(inPlot(a, real), b), KINDS[i].line)),
    ]);
    portrait.render(extent, () => {
      const scale = Math.sqrt(state.product);
      const places = trajectory(state).map(([w, last]) =>
        [clamp(w, -WIDE, WIDE), clamp(last / scale, -BOX, BOX)]);
      return [
        portrait.curve(places.map(([w]) => w), places.map(([, last]) => last), "green"),
        ...places.map((place) => {
          const [cx, cy] = portrait.at(...place);
          return svg("circle", { class: "live-mark green", cx, cy, r: 2.5 });
        }),
        words(portrait, [0, 0], "+", "middle", 5),
        words(portrait, [1, 0.12], "start", "start"),
        words(portrait, [-1.4, 1.75], `it ${regime(state.product, state.mu)}`, "start"),
      ];
    });
  };

  /** Bring everything up to the state; return it in words. */
  const update = () => {
    const { product, mu } = state;
    sliders.product.show(product);
    sliders.mu.show(mu);
    const both = eigenvalues(product, mu);
    table.fill([both.map(complex), both.map((z) => digits(size(z)))]);
    if (width) render();
    return `It ${regime(product, mu)}: a step leaves ${digits(factor(product, mu))} of the distance.`;
  };

  update();
  return {
    state,
    set,
    sliders,
    label: "the phase portrait of momentum, by rate and momentum",
    caption:
      "One direction of a bowl, from position 1 at rest. Left, both eigenvalues in the complex " +
      "plane; right, 60 steps in the plane of position and last step. Raise μ from 0: the two " +
      "eigenvalues run towards each other, meet, and leave the real axis. From then on the path " +
      "rings, and both stay on the dotted circle of radius √μ. Outside the solid circle it runs away.",
    elements: [
      html("div", { class: "live-plots" }, plane.element, portrait.element),
      controls(sliders.product, sliders.mu),
      row(
        button("Let them meet", () => set({ mu: hundredths(critical(state.product)) })),
        button("Without momentum", () => set({ mu: 0 })),
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

/** A complex number in three decimals. */
function complex([a, b]) {
  if (b === 0) return fixed(a, 3);
  return `${fixed(a, 3)} ${b < 0 ? "−" : "+"} ${fixed(Math.abs(b), 3)} i`;
}
