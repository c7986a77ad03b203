/** Gradient descent on a bowl with two curvatures: the steep one sets the limit, the flat the time. */

import {
  announcer, button, clamp, controls, diamond, digits, disk, fixed, html, path, plot, range,
  readouts, row, rule, sample, slider, svg, words,
} from "live/figure";

const STEPS = 60;
const START = [1, 1];
const FLOOR = -6; // the smallest power of ten that is drawn

/** The curvatures of the steep and the flat direction, for a condition number. */
export const curvatures = (kappa) => [1, 1 / kappa];

/** What each step multiplies the distance by, in each direction. */
export const factors = (eta, kappa) => curvatures(kappa).map((lambda) => 1 - eta * lambda);

/** The distances in both directions before each step and after the last: [[steep, flat], …]. */
export function trajectory({ eta, kappa, steps = STEPS, start = START }) {
  const shrink = factors(eta, kappa);
  const run = [start];
  for (const _ of range(steps)) run.push(run.at(-1).map((d, i) => d * shrink[i]));
  return run;
}

/** Steps until a direction is a thousandth of its start, or Infinity. */
export function stepsFor(factor, share = 1e-3) {
  const size = Math.abs(factor);
  if (size >= 1) return Infinity;
  return size === 0 ? 1 : Math.ceil(Math.log(share) / Math.log(size));
}

/** The rate at which the slower direction is as fast as it can be. */
export const bestRate = (kappa) => 2 / (1 + 1 / kappa);

const KINDS = [
  { name: "steep direction", line: "blue", mark: disk },
  { name: "flat direction", line: "vermilion dashed", mark: diamond },
];
const FIRST = { eta: 1.9, kappa: 30 };

/** Build the figure; `mount` puts it into the page. */
export function build() {
  const state = { ...FIRST };
  const spoken = announcer();
  let width = 0;
  let run = [];

  const set = (changes) => {
    Object.assign(state, changes);
    spoken.say(update());
  };
  const rate = (eta) => clamp(Math.round(eta * 100) / 100, 0.01, 2.2);

  const valley = plot({
    label: "Where 60 steps lead in the space of the two parameters; the table has the numbers.",
    x: { low: -1.2, high: 1.2, ticks: [-1, 0, 1], label: "along the flat direction" },
    y: { low: -1.2, high: 1.2, ticks: [-1, 0, 1], label: "along the steep direction" },
    drag: () => {},
  });
  const distances = plot({
    label: "The distance in each direction against the step; the table has the numbers.",
    x: { low: 0, high: STEPS, ticks: [0, 20, 40, 60], label: "step" },
    y: { low: FLOOR, high: 1, ticks: [-6, -4, -2, 0], label: "power of ten of the distance" },
    drag: () => {},
  });

  const sliders = {
    eta: slider({
      label: "Rate η, in units of 1/λmax",
      bounds: [0.01, 2.2, 0.01],
      say: (eta) => fixed(eta, 2),
      change: (eta) => set({ eta }),
    }),
    kappa: slider({
      label: "Condition number κ",
      bounds: [1, 100, 1],
      say: (kappa) => String(kappa),
      change: (kappa) => set({ kappa }),
    }),
  };
  const table = readouts(
    "The two directions",
    KINDS.map(({ name, line }) => [sample(line), ` ${name}`]),
    ["each step multiplies the distance by", "steps to a thousandth"],
  );

  const logarithm = (d) => clamp(Math.log10(Math.abs(d) || 1e-300), FLOOR, 1);
  const inside = ([a, b]) => [clamp(b, -1.2, 1.2), clamp(a, -1.2, 1.2)];
  /** Both halves of a level line, as far as they lie in the plot. */
  const halves = (level) => {
    const end = Math.min(Math.sqrt(2 * level * state.kappa), 1.2);
    return [1, -1].map((side) =>
      range(61).map((i) => {
        const flat = ((i - 30) / 30) * end;
        return [flat, side * Math.sqrt(Math.max(2 * level - flat ** 2 / state.kappa, 0))];
      }),
    );
  };

  const render = () => {
    const beside = width >= 560;
    const size = [beside ? (width - 16) / 2 : width, 230];
    valley.render(size, () => {
      const places = run.map((d) => valley.at(...inside(d)));
      return [
        ...[0.005, 0.05, 0.2, 0.5].flatMap(halves).map((points) => rule(valley, points)),
        svg("path", { class: "live-line green", d: path(places) }),
        ...places.map((place) => svg("circle", {
          class: "live-mark green", cx: place[0], cy: place[1], r: 2.5,
        })),
        words(valley, [0, 0], "+", "middle", 5),
        words(valley, [-0.06, 0], "minimum", "end", 4),
        words(valley, [0.98, 1.05], "start", "end", 0),
      ];
    });
    distances.render(size, () => [
      ...KINDS.map(({ line }, i) =>
        distances.curve(range(STEPS + 1), run.map((d) => logarithm(d[i])), line)),
      ...KINDS.map(({ name, mark, line }, i) => {
        const step = [50, 25][i];
        const place = [step, logarithm(run[step][i])];
        return svg("g", {}, mark(distances.at(...place), line),
          words(distances, place, name.split(" ")[0], "middle", i === 0 ? 22 : -12));
      }),
    ]);
  };

  /** Bring everything up to the state; return it in words. */
  const update = () => {
    run = trajectory(state);
    sliders.eta.show(state.eta);
    sliders.kappa.show(state.kappa);
    const shrink = factors(state.eta, state.kappa);
    const needed = shrink.map((factor) => stepsFor(factor));
    const count = (n) => (n === Infinity ? "never" : String(n));
    table.fill([shrink.map(digits), needed.map(count)]);
    if (width) render();
    if (needed.includes(Infinity)) return "The steep direction runs away: the rate is above its limit, 2.";
    const slower = needed[0] > needed[1] ? "steep" : "flat";
    return `You wait for the ${slower} direction: ${Math.max(...needed)} steps to a thousandth.`;
  };

  update();
  return {
    state,
    set,
    sliders,
    label: "descent on a bowl, by rate and condition number",
    caption:
      "Sixty steps from one start, in the space of the two parameters, and the distance in each " +
      "direction. Raise the rate until it runs away: the steep direction (solid, disk) sets the " +
      "limit. Raise κ: the flat direction (dashed, diamond) sets the time.",
    elements: [
      html("div", { class: "live-plots" }, valley.element, distances.element),
      controls(sliders.eta, sliders.kappa),
      row(
        button("Take the best rate", () => set({ eta: rate(bestRate(state.kappa)) })),
        button("Cross the limit", () => set({ eta: 2.05 })),
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
