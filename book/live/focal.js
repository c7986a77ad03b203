/** Focal loss: how the power γ turns down what is right already, and who is left to speak. */

import {
  announcer, button, clamp, controls, diamond, digits, disk, fixed, html, names, plot, range,
  readouts, resize, row, sample, sigmoid, slider, softplus, svg, tie,
} from "live/figure";

/** The log-odds of a probability. */
export const logit = (p) => Math.log(p) - Math.log1p(-p);

/** Weight qᵞ, loss −qᵞ log p and slope |∂ℓ/∂z| = qᵞ(q − γ p log p) for the truth's p = σ(z). */
export function focal(z, gamma) {
  const [p, q, minusLog] = [sigmoid(z), sigmoid(-z), softplus(-z)];
  const weight = q ** gamma;
  return { weight, value: weight * minusLog, slope: weight * (q + gamma * p * minusLog) };
}

export const focalLoss = (z, gamma) => focal(z, gamma).value;

/** The derivative with respect to the logit of the truth: never positive. */
export const focalGradient = (z, gamma) => -focal(z, gamma).slope;

/** The rare class's part of Σ|∂ℓ/∂z| when all get one answer: "common", with log-odds z. */
export function rareShare(z, prior, gamma) {
  const rare = prior * focal(-z, gamma).slope;
  const common = (1 - prior) * focal(z, gamma).slope;
  return rare / (rare + common);
}

const GRID = range(201).map((i) => clamp(i / 200, 1e-4, 1 - 1e-4));
const [LOWEST, HIGHEST] = [-4.6, 6.9]; // log-odds of 0.01 and 0.999
const percent = (share) =>
  `${share > 0.995 ? Math.floor(1e5 * share) / 1e3 : digits(100 * share)}%`;
const [LOSS, SLOPE] = [7, 1.4]; // the tops of the plots
const priorOf = (exponent) => Math.min(10 ** exponent, 0.5);

const FIRST = { gamma: 2, exponent: -2, z: logit(0.9) };

/** Build the figure; `mount` puts it into the page. */
export function build() {
  const state = { ...FIRST };
  const spoken = announcer();
  let width = 0;

  const set = (changes) => {
    Object.assign(state, changes);
    spoken.say(update());
  };
  const drag = (p) => set({ z: clamp(logit(clamp(p, 1e-9, 1 - 1e-9)), LOWEST, HIGHEST) });

  const x = { low: 0, high: 1, ticks: [0, 0.5, 1], label: "probability p of the truth" };
  const values = plot({
    label: "The loss of one example against p; the table has the numbers.",
    x, y: { low: 0, high: LOSS, ticks: [0, 2, 4, 6], label: "loss ℓ" }, drag,
  });
  const slopes = plot({
    label: "The slope of the loss with respect to the logit against p; the table has the numbers.",
    x, y: { low: 0, high: SLOPE, ticks: [0, 0.5, 1], label: "slope |∂ℓ/∂z|" }, drag,
  });
  const bars = svg("svg", { class: "live-plot", "aria-hidden": "true" });

  const sliders = {
    gamma: slider({
      label: "Focus γ", bounds: [0, 5, 0.1], say: (gamma) => fixed(gamma, 1),
      change: (gamma) => set({ gamma }),
    }),
    exponent: slider({
      label: "Prior of the rare class", bounds: [-3, -0.3, 0.05],
      say: (exponent) => percent(priorOf(exponent)), change: (exponent) => set({ exponent }),
    }),
    z: slider({
      label: "Answer p, “common”", bounds: [LOWEST, HIGHEST, 0.05],
      say: (z) => fixed(sigmoid(z), 4), change: (z) => set({ z }),
    }),
  };
  const table = readouts(
    "One example",
    [
      "p of its truth",
      "weight (1 − p)ᵞ",
      [sample("blue"), " slope"],
      [sample("vermilion dashed"), " slope at γ = 0"],
    ],
    ["● common", "◆ rare"],
  );
  const sentence = html("p", { class: "live-sentence" });

  /** The curves, and on them the common example and the rare one; what is too high stays out. */
  const marks = (chart, name, top) => () => {
    const curves = [0, state.gamma].map((gamma, i) => ({
      name: `γ = ${fixed(gamma, i)}`,
      line: ["vermilion dashed", "blue"][i],
      points: GRID.map((p) => [p, focal(logit(p), gamma)[name]]).filter(([, y]) => y <= top),
    }));
    const place = (z) => chart.at(sigmoid(z), Math.min(focal(z, state.gamma)[name], top));
    return [
      ...curves.map(({ line, points }) =>
        chart.curve(points.map(([p]) => p), points.map(([, y]) => y), line)),
      disk(place(state.z), "blue"),
      diamond(place(-state.z), "blue"),
      ...names(chart, curves),
    ];
  };

  const render = () => {
    const beside = width >= 560;
    const size = [beside ? (width - 16) / 2 : width, 210];
    values.render(size, marks(values, "value", LOSS));
    slopes.render(size, marks(slopes, "slope", SLOPE));
    resize(bars, [width, 92]);
    bars.replaceChildren(...[state.gamma, 0].flatMap((gamma, i) => bar(gamma, 46 * i)));
  };

  /** One bar: the rare class's part filled, the common class's empty. */
  const bar = (gamma, y) => {
    const share = rareShare(state.z, priorOf(state.exponent), gamma);
    const words = `γ = ${fixed(gamma, 1)}: rare ${percent(share)}, common ${percent(1 - share)}`;
    return [
      svg("text", { x: 0, y: y + 14 }, words),
      svg("rect", { class: "live-axis", x: 1, y: y + 20, width: width - 2, height: 16 }),
      svg("rect", { class: "live-part", x: 1, y: y + 20, width: (width - 2) * share, height: 16 }),
    ];
  };

  /** Bring everything up to the state; return it in words. */
  const update = () => {
    const { gamma, z } = state;
    const prior = priorOf(state.exponent);
    for (const [name, control] of Object.entries(sliders)) control.show(state[name]);
    table.fill(
      [z, -z].map((logits) => [
        digits(sigmoid(logits)),
        digits(focal(logits, gamma).weight),
        digits(focal(logits, gamma).slope),
        digits(focal(logits, 0).slope),
      ]),
    );
    const [focused, plain] = [gamma, 0].map((power) => percent(rareShare(z, prior, power)));
    sentence.textContent = tie(
      `Among examples of which ${percent(prior)} are rare, the rare class holds ${focused} of ` +
      `the total slope with γ = ${fixed(gamma, 1)}, and ${plain} with cross-entropy (γ = 0).`,
    );
    if (width) render();
    return sentence.textContent;
  };

  update();
  return {
    state,
    set,
    sliders,
    label: "focal loss and the rare class",
    caption:
      "Focal loss (solid) and cross-entropy (dashed) of one example, and their slopes, " +
      "against the probability of the truth. A network gives every example the same " +
      "answer: common, with probability p. So the truth has probability p for a common example " +
      "(disk) and 1 − p for a rare one (diamond). The bars show how the two classes share the " +
      "sum of all slopes.",
    elements: [
      html("div", { class: "live-plots" }, values.element, slopes.element),
      controls(sliders.gamma, sliders.exponent, sliders.z),
      row(
        button("Answer with the prior", () => set({ z: logit(1 - priorOf(state.exponent)) })),
        button("Answer 0.5", () => set({ z: 0 })),
        button("Cross-entropy: γ = 0", () => set({ gamma: 0 })),
        button("Start again", () => set({ ...FIRST })),
      ),
      bars,
      sentence,
      table.element,
      spoken.element,
    ],
    draw(space) {
      width = space;
      render();
    },
  };
}
