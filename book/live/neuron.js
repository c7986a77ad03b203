/** Two neurons with one input learn to answer 0: by the quadratic loss, and by cross-entropy. */

import {
  announcer, button, controls, diamond, digits, disk, fixed, html, path, plot, range, readouts,
  row, sample, sigmoid, slider, softplus, svg, words,
} from "live/figure";

export { sigmoid, softplus };

const STEPS = 300;
const PLAY = 4000; // milliseconds
const FIRST = { w: 2, b: 2, eta: 0.15, step: 150 };

/** Value and slope ∂ℓ/∂z of each loss at the logit z, for the target 0. */
export const losses = {
  quadratic: (z) => {
    const a = sigmoid(z);
    return { value: (a * a) / 2, slope: a * a * sigmoid(-z) };
  },
  "cross-entropy": (z) => ({ value: softplus(z), slope: sigmoid(z) }),
};

/** Gradient descent on w and b for x = 1, y = 0: the neuron before each step and after the last. */
export function trajectory({ w, b, eta, loss, steps = STEPS }) {
  const run = { w: [], b: [], a: [], value: [], slope: [] };
  for (const _ of range(steps + 1)) {
    const { value, slope } = losses[loss](w + b);
    const now = { w, b, a: sigmoid(w + b), value, slope };
    for (const name of Object.keys(run)) run[name].push(now[name]);
    w -= eta * slope;
    b -= eta * slope;
  }
  return run;
}

/** The first step after which the answer is below ½, or −1. */
export const firstBelow = (answers, level = 0.5) => answers.findIndex((a) => a < level);

const KINDS = [
  { loss: "quadratic", line: "blue", mark: disk, named: 100 },
  { loss: "cross-entropy", line: "vermilion dashed", mark: diamond, named: 46 },
];

/** Build the figure; `mount` puts it into the page. */
export function build() {
  const state = { ...FIRST };
  const spoken = announcer();
  let width = 0;
  let runs = [];

  const set = (changes) => {
    Object.assign(state, changes);
    spoken.say(update());
  };
  const goto = (x) => {
    stop();
    set({ step: Math.round(x) });
  };

  const time = { low: 0, high: STEPS, ticks: [0, 100, 200, 300], label: "step t" };
  const answers = plot({
    label: "The answer of each neuron against the step; the table has the numbers.",
    x: time,
    y: { low: 0, high: 1, ticks: [0, 0.5, 1], label: "answer a" },
    drag: goto,
  });
  const slopes = plot({
    label: "The slope that drives each neuron against the step; the table has the numbers.",
    x: time,
    y: { low: 0, high: 1, ticks: [0, 0.5, 1], label: "slope ∂ℓ/∂z" },
    drag: goto,
  });

  const two = (value) => fixed(value, 2);
  const sliders = {
    w: slider({
      label: "Weight w at the start", bounds: [-4, 4, 0.1], say: two, change: (w) => set({ w }),
    }),
    b: slider({
      label: "Bias b at the start", bounds: [-4, 4, 0.1], say: two, change: (b) => set({ b }),
    }),
    eta: slider({
      label: "Rate η", bounds: [0.05, 5, 0.05], say: two, change: (eta) => set({ eta }),
    }),
    step: slider({
      label: "Look at step t", bounds: [0, STEPS, 1], say: (t) => `${t} of ${STEPS} steps`,
      change: goto,
    }),
  };
  const table = readouts(
    "The two neurons",
    KINDS.map(({ loss, line }) => [sample(line), ` ${loss}`]),
    [
      "first gradient, ∂ℓ/∂w = ∂ℓ/∂b",
      "answer a at step t",
      "w and b at step t",
      "a < 0.5 for the first time",
    ],
  );

  const motion = matchMedia("(prefers-reduced-motion: reduce)");
  const player = button("Play", () => (frame ? stop() : play()));
  let frame = 0;
  const play = () => {
    const start = performance.now() - (state.step < STEPS ? (state.step / STEPS) * PLAY : 0);
    const next = (now) => {
      const share = Math.min(Math.max(now - start, 0) / PLAY, 1);
      set({ step: Math.round(share * STEPS) });
      if (share < 1) frame = requestAnimationFrame(next);
      else stop();
    };
    player.textContent = "Pause";
    frame = requestAnimationFrame(next);
  };
  const stop = () => {
    cancelAnimationFrame(frame);
    frame = 0;
    player.textContent = "Play";
  };
  const respect = () => {
    stop();
    player.hidden = motion.matches;
  };
  motion.addEventListener("change", respect);
  respect();

  /** Both curves, the step that is looked at, and where each neuron is then. */
  const marks = (chart, name) => () => [
    rule(chart, [[state.step, 0], [state.step, 1]]),
    ...KINDS.map(({ line }, i) => chart.curve(range(STEPS + 1), runs[i][name], line)),
    ...KINDS.map(({ line, mark }, i) => {
      const now = runs[i][name][state.step];
      return mark(chart.at(state.step, now), line);
    }),
  ];

  /** How long each neuron waits until it answers less than ½, on the axis of the steps. */
  const waits = () =>
    KINDS.flatMap((_, i) => {
      const first = firstBelow(runs[i].a);
      if (first <= 0) return [];
      const end = rule(answers, [[first, 0.5], [first, 0]]);
      return [end, words(answers, [first + 4, 0], String(first), "start", -6)];
    });

  const render = () => {
    const beside = width >= 560;
    const size = [beside ? (width - 16) / 2 : width, 210];
    answers.render(size, () => [
      rule(answers, [[0, 0.5], [STEPS, 0.5]], "dotted"),
      ...marks(answers, "a")(),
      ...waits(),
      ...KINDS.map(({ loss, named }, i) => {
        const a = runs[i].a[named];
        return words(answers, [named, a], loss, "start", a > 0.5 ? 20 : -8);
      }),
    ]);
    slopes.render(size, marks(slopes, "slope"));
  };

  /** Bring everything up to the state; return it in words. */
  const update = () => {
    runs = KINDS.map(({ loss }) => trajectory({ ...state, loss }));
    for (const [name, control] of Object.entries(sliders)) control.show(state[name]);
    const t = state.step;
    const below = (run) => {
      const first = firstBelow(run.a);
      return first < 0 ? `not in ${STEPS} steps` : first === 0 ? "at the start" : `step ${first}`;
    };
    table.fill([
      runs.map((run) => digits(run.slope[0])),
      runs.map((run) => fixed(run.a[t], 3)),
      runs.map((run) => `${two(run.w[t])}, ${two(run.b[t])}`),
      runs.map(below),
    ]);
    if (width) render();
    const [quadratic, crossEntropy] = runs.map((run) => fixed(run.a[t], 3));
    return (
      `At step ${t} the quadratic neuron answers ${quadratic}, ` +
      `the cross-entropy neuron ${crossEntropy}.`
    );
  };

  update();
  return {
    state,
    set,
    label: "one neuron learns, with two losses",
    caption:
      "Two neurons learn to answer 0 from the same start, at the same rate: one by the quadratic " +
      "loss (solid, disk), one by cross-entropy (dashed, diamond). First plot: their answers; " +
      "second: the slopes that drive them. Move the sliders, or drag in a plot to look at " +
      "another step.",
    elements: [
      html("div", { class: "live-plots" }, answers.element, slopes.element),
      sliders.step.element,
      row(
        player,
        button("Start at w = 0.6, b = 0.9", () => set({ w: 0.6, b: 0.9, eta: 0.15 })),
        button("Start at w = b = 2", () => set({ w: 2, b: 2, eta: 0.15 })),
        button("Start again", () => {
          stop();
          set({ ...FIRST });
        }),
      ),
      controls(sliders.w, sliders.b, sliders.eta),
      table.element,
      spoken.element,
    ],
    draw(space) {
      width = space;
      render();
    },
  };
}

const rule = (chart, points, name = "") =>
  svg("path", { class: `live-rule ${name}`, d: path(points.map(([x, y]) => chart.at(x, y))) });
