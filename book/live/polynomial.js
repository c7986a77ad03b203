/** Numbers pushed towards 1 by a polynomial: slope at zero against accuracy at one. */

import {
  announcer, button, controls, digits, disk, fixed, html, plot, range, readouts, row, rule, slider,
} from "live/figure";

/** The coefficients a, b, c of a s + b s³ + c s⁵. */
export const POLYNOMIALS = {
  cubic: [1.5, -0.5, 0],
  quintic: [15 / 8, -10 / 8, 3 / 8],
  "Jordan's": [3.4445, -4.775, 2.0315],
};

const LOWEST = -3.5; // the power of ten at the left end
const POINTS = 281;
const MOST = 16;
const FIRST = { name: "Jordan's", rounds: 5, power: -2.5 };

/** One round. */
export const value = ([a, b, c], s) => a * s + b * s ** 3 + c * s ** 5;

/** The number after each round, from the start on. */
export function orbit(coefficients, s, rounds) {
  const run = [s];
  for (const _ of range(rounds)) run.push(value(coefficients, run.at(-1)));
  return run;
}

/** Rounds until a number is within `near` of 1 for the first time, or −1 after 100. */
export const arrival = (coefficients, s, near = 0.3) =>
  orbit(coefficients, s, 100).findIndex((x) => Math.abs(x - 1) <= near);

/** Build the figure; `mount` puts it into the page. */
export function build() {
  const state = { ...FIRST };
  const spoken = announcer();
  let width = 0;

  const set = (changes) => {
    Object.assign(state, changes);
    spoken.say(update());
  };

  const x = { low: LOWEST, high: 0, ticks: [-3, -2, -1, 0], label: "power of ten of s" };
  const y = { low: 0, high: 1.4, ticks: [0, 0.5, 1], label: "after the rounds" };
  const map = plot({
    label: "Where the rounds take every number between 0 and 1; the table has the numbers.",
    x,
    y,
    drag: (power) => set({ power: Math.round(power * 20) / 20 }),
  });
  const time = plot({
    label: "One number, round by round; the table has the numbers.",
    x: { low: 0, high: MOST, ticks: [0, 4, 8, 12, 16], label: "round" },
    y: { ...y, label: "the number s" },
    drag: (round) => set({ rounds: Math.round(round) }),
  });

  const sliders = {
    rounds: slider({
      label: "Rounds",
      bounds: [0, MOST, 1],
      say: (rounds) => String(rounds),
      change: (rounds) => set({ rounds }),
    }),
    power: slider({
      label: "The number s",
      bounds: [LOWEST, 0, 0.05],
      say: (power) => digits(10 ** power),
      change: (power) => set({ power }),
    }),
  };
  const table = readouts(
    "The polynomials",
    Object.keys(POLYNOMIALS),
    ["slope at zero", "s after the rounds", "rounds to within 0.3 of 1"],
  );

  const render = () => {
    const beside = width >= 560;
    const size = [beside ? (width - 16) / 2 : width, 230];
    const chosen = POLYNOMIALS[state.name];
    const s = 10 ** state.power;
    map.render(size, () => {
      const powers = range(POINTS).map((i) => LOWEST * (1 - i / (POINTS - 1)));
      const after = powers.map((power) => orbit(chosen, 10 ** power, state.rounds).at(-1));
      return [
        rule(map, [[LOWEST, 1], [0, 1]]),
        map.curve(powers, after, "blue"),
        disk(map.at(state.power, orbit(chosen, s, state.rounds).at(-1)), "blue"),
      ];
    });
    time.render(size, () => {
      const run = orbit(chosen, s, MOST);
      return [
        rule(time, [[0, 1], [MOST, 1]]),
        rule(time, [[state.rounds, 0], [state.rounds, 1.4]]),
        time.curve(range(MOST + 1), run, "vermilion"),
        disk(time.at(state.rounds, run[state.rounds]), "vermilion"),
      ];
    });
  };

  /** Bring everything up to the state; return it in words. */
  const update = () => {
    sliders.rounds.show(state.rounds);
    sliders.power.show(state.power);
    const s = 10 ** state.power;
    const all = Object.values(POLYNOMIALS);
    table.fill([
      all.map(([a]) => digits(a)),
      all.map((p) => fixed(orbit(p, s, state.rounds).at(-1), 3)),
      all.map((p) => String(arrival(p, s))),
    ]);
    if (width) render();
    const now = fixed(orbit(POLYNOMIALS[state.name], s, state.rounds).at(-1), 3);
    return `After ${state.rounds} rounds of the ${state.name} polynomial the number is ${now}.`;
  };

  update();
  return {
    state,
    set,
    sliders,
    label: "numbers pushed towards 1 by a polynomial",
    caption:
      "Left, where the chosen polynomial takes every number s after so many rounds. Right, one " +
      "number, round by round. Choose the cubic: it settles on 1, and comes late. Choose " +
      "Jordan's: a steep slope at zero, and no rest at one.",
    elements: [
      html("div", { class: "live-plots" }, map.element, time.element),
      row(
        ...Object.keys(POLYNOMIALS).map((name) => button(`Take ${name}`, () => set({ name }))),
        button("Start again", () => set({ ...FIRST })),
      ),
      controls(sliders.rounds, sliders.power),
      table.element,
      spoken.element,
    ],
    draw(space) {
      width = space;
      render();
    },
  };
}
