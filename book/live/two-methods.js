/** Two methods of the stored experiment: what the rate of each does to its loss, seed by seed. */

import {
  announcer, button, controls, diamond, digits, disk, html, names, plot, range, readouts, row,
  rule, sample, slider, svg, words,
} from "live/figure";
import { DATA } from "live/two-methods-data";

export const METHODS = Object.keys(DATA);
const LOW = -1.5;
const HIGH = 1;
const STEPS = range(12).map((i) => 30 * (i + 1));

const curvesAt = ({ method, place }) => DATA[METHODS[method]].curves[place];

/** The validation losses at the end, one for each seed; Infinity for a run that diverged. */
export const finalLosses = (choice) =>
  curvesAt(choice).map((curve) => (curve ? 10 ** (curve.at(-1) / 1000) : Infinity));

export const meanLoss = (choice) => {
  const losses = finalLosses(choice);
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
};

/** The place of the candidate with the smallest mean loss. */
export function best(method) {
  const means = DATA[METHODS[method]].rates.map((_, place) => meanLoss({ method, place }));
  return means.indexOf(Math.min(...means));
}

/** The place of the library's default among the candidates. */
export const defaultPlace = (method) => -DATA[METHODS[method]].first;

const index = (name) => METHODS.indexOf(name);
const atDefault = (method) => ({ method, place: defaultPlace(method) });
const atBest = (method) => ({ method, place: best(method) });
const [momentum, rmsprop] = ["momentum", "RMSprop"].map(index).map(atDefault);
const FIRST = {
  first: momentum.method, firstRate: momentum.place,
  second: rmsprop.method, secondRate: rmsprop.place,
};
const LINES = ["blue", "vermilion dashed"];
const MARKS = [disk, diamond];
const ORDINALS = ["first", "second"];
const LETTERS = { first: "A", second: "B" };

/** Build the figure; `mount` puts it into the page. */
export function build() {
  const state = { ...FIRST };
  const spoken = announcer();
  let width = 0;

  const set = (changes) => {
    Object.assign(state, changes);
    spoken.say(update());
  };
  const choices = () =>
    ORDINALS.map((name) => ({ method: state[name], place: state[`${name}Rate`] }));
  const choose = (places) =>
    set({ firstRate: places[0].place, secondRate: places[1].place });
  const logarithm = (loss) => Math.min(Math.max(Math.log10(loss), LOW), HIGH);

  const sweep = plot({
    label: "The final loss of both methods against the rate; the table has the numbers.",
    x: { low: -2, high: 3, ticks: [-2, -1, 0, 1, 2, 3], label: "power of ten of rate / default" },
    y: { low: LOW, high: HIGH, ticks: [-1, 0, 1], label: "power of ten of the final loss" },
    drag: (value) => {
      const place = Math.round(2 * value) - DATA[METHODS[state.first]].first;
      set({ firstRate: Math.min(Math.max(place, 0), 6) });
    },
  });
  const course = plot({
    label: "The validation loss of five seeds of each method against the step.",
    x: { low: 0, high: 360, ticks: [0, 120, 240, 360], label: "steps" },
    y: { low: LOW, high: HIGH, ticks: [-1, 0, 1], label: "power of ten of the loss" },
    drag: () => {},
  });

  const sliders = ORDINALS.flatMap((name) => [
    slider({
      label: `Method ${LETTERS[name]}`,
      bounds: [0, METHODS.length - 1, 1],
      say: (method) => METHODS[method].replace("ScheduleFree", "SF "),
      change: (method) => set({ [name]: method }),
    }),
    slider({
      label: `Rate of ${LETTERS[name]}`,
      bounds: [0, 6, 1],
      say: (place) => digits(DATA[METHODS[state[name]]].rates[place]),
      change: (place) => set({ [`${name}Rate`]: place }),
    }),
  ]);
  const table = readouts(
    "Five seeds, at the end",
    ["rate", "mean validation loss", "best seed", "worst seed"],
    ORDINALS.map((name, which) => [sample(LINES[which]), ` ${LETTERS[name]}`]),
  );
  const sentence = html("p", { class: "live-sentence" });

  const across = ({ method, place }) => (DATA[METHODS[method]].first + place) / 2;
  const swept = (choice) =>
    range(7).map((place) => {
      const each = { ...choice, place };
      return [across(each), logarithm(meanLoss(each))];
    });
  const drawn = (chart) => (points, which) =>
    chart.curve(points.map(([x]) => x), points.map(([, y]) => y), LINES[which]);
  const called = (chart, curves) =>
    names(chart, curves.map((points, which) => {
      const name = METHODS[choices()[which].method].replace("ScheduleFree", "SF ");
      return { name: `${LETTERS[ORDINALS[which]]}: ${name}`, line: LINES[which], points };
    }));
  const dots = (choice, which) =>
    finalLosses(choice).map((loss) => {
      const [x, y] = sweep.at(across(choice), logarithm(loss));
      return svg("circle", { class: `live-mark ${LINES[which].split(" ")[0]}`, cx: x, cy: y, r: 2 });
    });
  const runs = (choice) =>
    curvesAt(choice)
      .filter(Boolean)
      .map((curve) => curve.map((v, i) => [STEPS[i], logarithm(10 ** (v / 1000))]));

  const render = () => {
    const beside = width >= 560;
    const size = [beside ? (width - 16) / 2 : width, 250];
    sweep.render(size, () => [
      rule(sweep, [[0, LOW], [0, HIGH]]),
      words(sweep, [0.06, LOW], "default", "start", -6),
      ...choices().map(swept).map(drawn(sweep)),
      ...choices().flatMap(dots),
      ...choices().map((choice, which) =>
        MARKS[which](sweep.at(across(choice), logarithm(meanLoss(choice))), LINES[which])),
      ...called(sweep, choices().map(swept)),
    ]);
    const seeds = choices().map(runs);
    course.render(size, () => [
      ...seeds.flatMap((each, which) => each.map((points) => drawn(course)(points, which))),
      ...called(course, seeds.map((each) => each.flat())),
    ]);
  };

  const named = ({ method, place }) => {
    const { rates } = DATA[METHODS[method]];
    return `${METHODS[method]} at ${digits(rates[place])}`;
  };
  const shown = (loss) => (Number.isFinite(loss) ? loss.toPrecision(2) : "diverged");

  /** Bring everything up to the state; return it in words. */
  const update = () => {
    choices().forEach(({ method, place }, which) => {
      sliders[2 * which].show(method);
      sliders[2 * which + 1].show(place);
    });
    table.fill(choices().map((choice) => {
      const losses = finalLosses(choice);
      return [
        digits(DATA[METHODS[choice.method]].rates[choice.place]),
        shown(meanLoss(choice)), shown(Math.min(...losses)), shown(Math.max(...losses)),
      ];
    }));
    const [a, b] = choices().map(meanLoss);
    const both = choices().map(named);
    if (a === b) sentence.textContent = `${both.join(" and ")} end alike.`;
    else {
      const [ahead, behind] = a < b ? both : [...both].reverse();
      sentence.textContent = `${ahead} ends below ${behind}, in the mean.`;
    }
    if (width) render();
    return sentence.textContent;
  };

  update();
  return {
    state,
    set,
    sliders: Object.fromEntries(sliders.map((slider, i) => [Object.keys(FIRST)[i], slider])),
    label: "two methods, and the rate of each",
    caption:
      "Stored runs of two methods: five seeds on the validation images. Left, the loss at the end " +
      "against the rate; the large marks are the rates chosen, the dots their seeds. Right, the " +
      "loss on the way. Drag in the left plot for method A. Find rates at which A wins, and rates " +
      "at which B does. (SF: schedule-free.)",
    elements: [
      html("div", { class: "live-plots" }, sweep.element, course.element),
      controls(...sliders),
      row(
        button("Each at its best rate", () => choose(choices().map((c) => atBest(c.method)))),
        button("Each at its default", () => choose(choices().map((c) => atDefault(c.method)))),
        button("Start again", () => set({ ...FIRST })),
      ),
      table.element,
      sentence,
      spoken.element,
    ],
    draw(space) {
      width = space;
      render();
    },
  };
}
