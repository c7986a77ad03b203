/** Workers that share a step: how much faster it becomes, and what the messages cost. */

import {
  announcer, button, clamp, controls, disk, fixed, plot, range, readouts, row, rule, sample,
  slider, words,
} from "live/figure";

export const MOST = 64;
const HIGH = 32; // what lies above is cut off
const BANDWIDTH = 1e9; // bytes per second
const LATENCY = 5e-5; // seconds for a message
const COUNTS = range(MOST).map((i) => i + 1);
const FIRST = { workers: 8, size: 3, compute: 200, serial: 2 };

/** Seconds for messages in a ring of k workers. */
export const messageSeconds = (k, { nbytes }) => 2 * (k - 1) * (LATENCY + nbytes / (k * BANDWIDTH));

/** Seconds of a step that k workers share. */
export const stepSeconds = (k, { compute, nbytes, serial }) =>
  serial * compute + ((1 - serial) * compute) / k + messageSeconds(k, { nbytes });

export const speedup = (k, setting) => stepSeconds(1, setting) / stepSeconds(k, setting);

/** The number of workers with the shortest step; the smaller of two equals. */
export const best = (setting) =>
  COUNTS.reduce((a, k) => (stepSeconds(k, setting) < stepSeconds(a, setting) ? k : a), 1);

/** Megabytes of gradient at a place of the slider: six places for a power of ten. */
export const megabytesAt = (place) => 0.1 * 10 ** (place / 6);

/** The setting in the units of the formula. */
export const settingOf = ({ size, compute, serial }) => ({
  compute: compute / 1000, nbytes: 1e6 * megabytesAt(size), serial: serial / 100,
});

const sizeText = (place) => `${Number(megabytesAt(place).toPrecision(2))} MB`;

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
    label: "How many times faster a step is, against the number of workers.",
    x: { low: 1, high: MOST, ticks: [1, 16, 32, 48, 64], label: "workers" },
    y: { low: 0, high: HIGH, ticks: [0, 8, 16, 24, 32], label: "times faster" },
    drag: (value) => set({ workers: clamp(Math.round(value), 1, MOST) }),
  });
  const control = (key, label, bounds, say) =>
    slider({ label, bounds, say, change: (value) => set({ [key]: value }) });
  const sliders = {
    workers: control("workers", "Workers", [1, MOST, 1], String),
    size: control("size", "Gradient", [0, 24, 1], sizeText),
    compute: control("compute", "One worker's step", [10, 1000, 10], (ms) => `${ms} ms`),
    serial: control("serial", "Serial share", [0, 20, 1], (share) => `${share}%`),
  };
  const table = readouts("The shared step", [[sample("blue"), " these workers"]], [
    "times faster", "of the step is messages", "best number of workers",
  ]);

  const render = () => {
    const setting = settingOf(state);
    const top = best(setting);
    const height = (k) => Math.min(speedup(k, setting), HIGH);
    const inside = COUNTS.filter((k) => speedup(k, setting) <= HIGH);
    chart.render([Math.min(width, 560), 260], () => [
      rule(chart, [[1, 1], [HIGH, HIGH]]),
      words(chart, [24, 26], "k times", "end", 0),
      chart.curve(inside, inside.map(height), "blue"),
      rule(chart, [[top, 0], [top, height(top)]]),
      disk(chart.at(state.workers, height(state.workers)), "blue"),
    ]);
  };

  /** Bring everything up to the state; return it in words. */
  const update = () => {
    Object.entries(sliders).forEach(([name, { show }]) => show(state[name]));
    const setting = settingOf(state);
    const faster = fixed(speedup(state.workers, setting), 2);
    const share = messageSeconds(state.workers, setting) / stepSeconds(state.workers, setting);
    const messages = `${fixed(100 * share, 0)}%`;
    table.fill([[faster], [messages], [String(best(setting))]]);
    if (width) render();
    return `${state.workers} workers: ${faster} times faster, ${messages} of the step is messages.`;
  };

  update();
  return {
    state,
    set,
    sliders,
    label: "workers that share a step",
    caption:
      "The same formula. The slanting line is what one hopes for; the upright one marks the best " +
      "number of workers. Drag the workers, then make the gradient larger or the step shorter, " +
      "and see the best number fall.",
    elements: [
      chart.element,
      controls(sliders.workers, sliders.size, sliders.compute, sliders.serial),
      row(
        button("As many as is best", () => set({ workers: best(settingOf(state)) })),
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
