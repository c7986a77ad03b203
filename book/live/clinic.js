/** A clinic of sick training runs: curves of the library; the reader names the illness. */

import {
  announcer, button, clamp, controls, digits, html, plot, range, readouts, row, rule, slider, svg,
} from "live/figure";

const EVERY = 10; // steps from one point of a curve to the next
const LAST = 240;
const LOSSES = [-2, 1.6]; // powers of ten
const CHANCE = Math.log(10);

/** What `python -m bookkit.clinic` prints: the healthy run, then the patients, and their tests. */
export const CHARTS = [
  {
    illness: "healthy",
    training: [2.29, 2.2, 1.79, 0.831, 0.335, 0.412, 0.256, 0.129, 0.122, 0.092, 0.0456, 0.0449,
      0.0454, 0.045, 0.0405, 0.0382, 0.0311, 0.0265],
    validation: [2.25, 2.07, 1.31, 0.619, 0.456, 0.273, 0.25, 0.193, 0.136, 0.146, 0.142, 0.141,
      0.138, 0.122, 0.121, 0.125, 0.12, 0.119],
    tests: [0.00114, 0.00574, 0.00291, 0],
  },
  {
    illness: "rate too low",
    training: [2.3, 2.28, 2.27, 2.24, 2.21, 2.17, 2.11, 2.06, 1.96, 1.87, 1.71, 1.53, 1.41, 1.23,
      1.14, 1.03, 0.968, 0.945],
    validation: [2.29, 2.27, 2.25, 2.22, 2.19, 2.14, 2.08, 2, 1.9, 1.78, 1.64, 1.48, 1.32, 1.18,
      1.09, 1.01, 0.965, 0.95],
    tests: [1.39, 0.041, 0.00464, 0],
  },
  {
    illness: "validation leaked",
    training: [2.29, 2.19, 1.8, 0.847, 0.374, 0.328, 0.181, 0.195, 0.172, 0.12, 0.0771, 0.102,
      0.0428, 0.0538, 0.0603, 0.0326, 0.0331, 0.0164, 0.0203, 0.0421, 0.0373, 0.0195, 0.0189,
      0.0181],
    validation: [2.25, 2.05, 1.32, 0.625, 0.325, 0.299, 0.256, 0.185, 0.162, 0.115, 0.0949,
      0.0801, 0.0544, 0.0443, 0.0309, 0.0353, 0.0349, 0.0328, 0.028, 0.0248, 0.024, 0.0241, 0.024,
      0.0236],
    tests: [0.00114, 0.0463, 0.00322, 300],
  },
  {
    illness: "network dead",
    training: [3.47, 2.73, 2.55, 2.43, 2.44, 2.45, 2.41, 2.43, 2.45, 2.54, 2.44, 2.44, 2.39, 2.39,
      2.35, 2.33, 2.33, 2.33],
    validation: [3.03, 2.43, 2.44, 2.45, 2.45, 2.41, 2.42, 2.43, 2.53, 2.43, 2.43, 2.41, 2.36,
      2.34, 2.34, 2.32, 2.31, 2.31],
    tests: [2.13, 0, 5.04e-06, 0],
  },
  {
    illness: "gradients kept",
    training: [2.29, 1.97, 2.85, 2.46, 3.12, 3.64, 5.07, 5.85, 7.65, 9.36, 8.17, 9.34, 13.4, 16.5,
      20.2, 20.1, 19.5, 17.2],
    validation: [2.23, 1.41, 2.39, 4.31, 3.3, 6.45, 4.97, 7.15, 8.04, 9.71, 7.39, 11.8, 15.9,
      19.1, 20, 18.6, 19.3, 19.6],
    tests: [6.27, 2.49, 0.0149, 0],
  },
  {
    illness: "labels apart",
    training: [2.32, 2.31, 2.31, 2.31, 2.31, 2.31, 2.3, 2.31, 2.3, 2.3, 2.3, 2.31, 2.3, 2.3, 2.3,
      2.3, 2.3, 2.3],
    validation: [2.31, 2.31, 2.31, 2.3, 2.3, 2.3, 2.3, 2.3, 2.3, 2.3, 2.3, 2.3, 2.3, 2.3, 2.3,
      2.3, 2.3, 2.3],
    tests: [0.0253, 0.000603, 0.000154, 0],
  },
  {
    illness: "schedule too short",
    training: [2.29, 2.21, 1.98, 1.41, 0.793, 0.51, 0.454, 0.43, 0.437, 0.5, 0.413, 0.412, 0.46,
      0.427, 0.438, 0.443, 0.436, 0.444],
    validation: [2.25, 2.12, 1.71, 1.02, 0.625, 0.49, 0.49, 0.49, 0.49, 0.49, 0.49, 0.49, 0.49,
      0.49, 0.49, 0.49, 0.49, 0.49],
    tests: [1.11, 0.0333, 0, 0],
  },
];

/** Of each illness: its name on the button, what would be seen, and the cure. */
const KNOWN = {
  "gradients kept": {
    name: "Gradients never zeroed",
    seen: "the loss would grow, and the gradient would be a hundred times too large",
    cure: "zero the gradients before each backward pass",
  },
  "labels apart": {
    name: "Labels shuffled apart",
    seen: "one batch could be learned by heart, and yet the loss would stay at log 10",
    cure: "shuffle images and labels with one permutation",
  },
  "rate too low": {
    name: "Rate too low",
    seen: "both curves would fall together, slowly, and so would the loss of one batch",
    cure: "raise the rate until it hurts",
  },
  "network dead": {
    name: "Network dead",
    seen: "no gradient at all would reach the first layer",
    cure: "new weights and a lower rate",
  },
  "schedule too short": {
    name: "Schedule too short",
    seen: "the curve would stop in the middle of its fall: a gradient, and no move",
    cure: "count the schedule in the steps of this run",
  },
  "validation leaked": {
    name: "Validation leaked",
    seen: "validation would be as low as training, with images in both parts",
    cure: "split first",
  },
};
const NAMES = Object.keys(KNOWN);
const FIRST = { patient: 1, said: "" };

/** The verdict on a diagnosis, in words. */
export function verdict(patient, said) {
  if (said === "") return "Which illness is it? Choose.";
  const { name, seen, cure } = KNOWN[said];
  if (CHARTS[patient].illness !== said) return `Not that. If it were “${name}”, ${seen}.`;
  return `Yes: ${name}. The cure: ${cure}. The cured run is drawn beside it.`;
}

/** A tick that stands at one number and shows another. */
const tick = (power) => ({ valueOf: () => power, toString: () => String(10 ** power) });

/** Build the figure; `mount` puts it into the page. */
export function build() {
  const state = { ...FIRST };
  const spoken = announcer();
  let width = 0;

  const set = (changes) => {
    Object.assign(state, changes);
    spoken.say(update());
  };

  const chart = plot({
    label: "Training and validation loss of the patient against the step; the table has its tests.",
    x: { low: 0, high: LAST, ticks: [0, 60, 120, 180, 240], label: "step" },
    y: { low: LOSSES[0], high: LOSSES[1], ticks: range(4).map((i) => tick(i - 2)), label: "loss" },
    drag: () => {},
  });
  const patient = slider({
    label: "Patient",
    bounds: [1, CHARTS.length - 1, 1],
    say: (number) => `${number} of ${CHARTS.length - 1}`,
    change: (number) => set({ patient: number, said: "" }),
  });
  const table = readouts(
    "Four tests",
    ["patient", "healthy"],
    ["One batch, 100 steps: loss", "Gradient of the first layer", "Its move in a step, relative", "Images in both parts"],
  );
  const sentence = html("p", { class: "live-sentence" });
  const answers = NAMES.map((said) => button(KNOWN[said].name, () => set({ said })));

  const height = (loss) => clamp(Math.log10(loss), ...LOSSES);
  const curve = (losses, line, words, index, shift) => {
    const xs = losses.map((_, i) => EVERY * (i + 1));
    const ys = losses.map(height);
    const [x, y] = chart.at(xs[index], ys[index]);
    return svg("g", {}, chart.curve(xs, ys, line), svg("text", { x, y: y + shift }, words));
  };

  const render = () => {
    const { training, validation, illness } = CHARTS[state.patient];
    const below = training[15] <= validation[15];
    const to = chart.at(LAST, Math.log10(CHANCE));
    chart.render([width, 290], () => [
      rule(chart, [[0, Math.log10(CHANCE)], [LAST, Math.log10(CHANCE)]], "dotted"),
      svg("text", { x: to[0], y: to[1] - 5, "text-anchor": "end" }, "log 10"),
      curve(training, "blue", "training", 15, below ? 19 : -8),
      curve(validation, "vermilion dashed", "validation", 15, below ? -8 : 19),
      ...(state.said === illness ? [curve(CHARTS[0].validation, "green", "cured", 17, -8)] : []),
    ]);
  };

  /** Bring everything up to the state; return it in words. */
  const update = () => {
    const words = verdict(state.patient, state.said);
    patient.show(state.patient);
    const columns = [CHARTS[state.patient].tests, CHARTS[0].tests];
    table.fill(columns[0].map((_, i) => columns.map((tests) => digits(tests[i]))));
    sentence.textContent = words;
    answers.forEach((answer, i) => answer.setAttribute("aria-pressed", NAMES[i] === state.said));
    if (width) render();
    return state.said === "" ? `Patient ${state.patient}. ${words}` : words;
  };

  const next = () => set({ patient: (state.patient % (CHARTS.length - 1)) + 1, said: "" });
  update();
  return {
    state,
    set,
    sliders: { patient },
    label: "a clinic of sick training runs",
    caption:
      "Six runs of the same small network, each with one fault. Look at the curves and at the " +
      "four tests, and choose the illness. If you are right, the cured run is drawn in green.",
    elements: [
      html("div", { class: "live-plots" }, chart.element),
      controls(patient),
      table.element,
      row(...answers),
      sentence,
      row(button("Next patient", next), button("Start again", () => set({ ...FIRST }))),
      spoken.element,
    ],
    draw(space) {
      width = space;
      render();
    },
  };
}
