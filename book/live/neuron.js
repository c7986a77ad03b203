/** Two neurons with one input learn to answer 0: by the quadratic loss, and by cross-entropy. */

import {
  announcer, button, clamp, controls, diamond, digits, disk, fixed, html, names, plot, range,
  readouts, row, rule, sample, sigmoid, slider, softplus, words,
} from "live/figure";

export { sigmoid, softplus };

const PLAY = 4000; // milliseconds
const WAY = 45; // the rates of all steps that are shown, added up
const RATES = [0.05, 5, 0.05];
const FIRST = { w: 2, b: 2, eta: 0.15, step: 150 };

/** Value and slope ∂ℓ/∂z of each loss at the logit z, for the target 0. */
export const losses = {
  quadratic: (z) => {
    const a = sigmoid(z);
    return { value: (a * a) / 2, slope: a * a * sigmoid(-z) };
  },
  "cross-entropy": (z) => ({ value: softplus(z), slope: sigmoid(z) }),
};

/** How many steps the axis shows at a rate: about 45 / η, a round number. */
export function horizon(eta) {
  const wanted = (WAY / eta) * (1 - 1e-9);
  const unit = 10 ** Math.floor(Math.log10(wanted));
  return unit * [1, 2, 3, 5, 10].find((lead) => lead * unit >= wanted);
}

/** The ticks of an axis that ends at a round number. */
const ticksTo = (end) => {
  const parts = { 1: 2, 2: 2, 3: 3, 5: 5 }[String(end)[0]];
  return range(parts + 1).map((i) => (i * end) / parts);
};

/** Gradient descent on w and b for x = 1, y = 0: the neuron before each step and after the last. */
export function trajectory({ w, b, eta, loss, steps = horizon(eta) }) {
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
  { loss: "quadratic", line: "blue", mark: disk },
  { loss: "cross-entropy", line: "vermilion dashed", mark: diamond },
];

/** Build the figure; `mount` puts it into the page. */
export function build() {
  const state = { ...FIRST };
  const spoken = announcer();
  const steps = () => time.high;
  let width = 0;
  let runs = [];

  const set = (changes) => {
    Object.assign(state, changes);
    spoken.say(update());
  };

  /** Another rate, seen at the same share of the way. */
  const pace = (changes) => {
    const share = state.step / steps();
    set({ ...changes, step: Math.round(share * horizon(changes.eta)) });
  };
  const goto = (x) => {
    stop();
    set({ step: Math.round(x) });
  };

  const time = { low: 0, high: horizon(FIRST.eta), label: "step t" };
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
      label: "Rate η", bounds: RATES, say: two, change: (eta) => pace({ eta }),
    }),
    step: slider({
      label: "Look at step t", bounds: [0, steps(), 1], say: (t) => `${t} of ${steps()} steps`,
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
    const start = performance.now() - (state.step < steps() ? (state.step / steps()) * PLAY : 0);
    const next = (now) => {
      const share = Math.min(Math.max(now - start, 0) / PLAY, 1);
      set({ step: Math.round(share * steps()) });
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
    ...KINDS.map(({ line }, i) => chart.curve(range(steps() + 1), runs[i][name], line)),
    ...KINDS.map(({ line, mark }, i) => {
      const now = runs[i][name][state.step];
      return mark(chart.at(state.step, now), line);
    }),
    ...names(chart, KINDS.map(({ loss, line }, i) => {
      const points = runs[i][name].map((value, t) => [t, value]);
      return { name: loss, line, points };
    })),
  ];

  /** How long each neuron waits until it answers less than ½, on the axis of the steps. */
  const waits = () =>
    KINDS.flatMap((_, i) => {
      const first = firstBelow(runs[i].a);
      if (first <= 0) return [];
      const end = rule(answers, [[first, 0.5], [first, 0]]);
      const place = [first + steps() / 75, 0];
      return [end, words(answers, place, String(first), "start", -6)];
    });

  const render = () => {
    const beside = width >= 560;
    const size = [beside ? (width - 16) / 2 : width, 210];
    answers.render(size, () => [
      rule(answers, [[0, 0.5], [steps(), 0.5]], "dotted"),
      ...marks(answers, "a")(),
      ...waits(),
    ]);
    slopes.render(size, marks(slopes, "slope"));
  };

  /** Bring everything up to the state; return it in words. */
  const update = () => {
    time.high = horizon(state.eta);
    time.ticks = ticksTo(steps());
    state.step = Math.round(clamp(state.step, 0, steps()));
    sliders.step.limit(steps());
    runs = KINDS.map(({ loss }) => trajectory({ ...state, loss }));
    for (const [name, control] of Object.entries(sliders)) control.show(state[name]);
    const t = state.step;
    const below = (run) => {
      const first = firstBelow(run.a);
      return first < 0 ? `not in ${steps()} steps` : first === 0 ? "at the start" : `step ${first}`;
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
    sliders: { w: sliders.w, b: sliders.b, eta: sliders.eta }, // the last step follows from eta
    label: "one neuron learns, with two losses",
    caption:
      "Two neurons learn to answer 0 from the same start, at the same rate: one by the quadratic " +
      "loss (solid, disk), one by cross-entropy (dashed, diamond). First plot: their answers; " +
      "second: the slopes that drive them. Move the sliders, or drag in a plot to look at " +
      "another step. The axis fits the rate: at a tenth of it, it shows ten times the steps.",
    elements: [
      html("div", { class: "live-plots" }, answers.element, slopes.element),
      sliders.step.element,
      row(
        player,
        button("Start at w = 0.6, b = 0.9", () => pace({ w: 0.6, b: 0.9, eta: 0.15 })),
        button("Start at w = b = 2", () => pace({ w: 2, b: 2, eta: 0.15 })),
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
