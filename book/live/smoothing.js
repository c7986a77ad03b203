/** Label smoothing: the loss of one sample against the lead of its true logit. */

import {
  announcer, button, clamp, controls, diamond, disk, fixed, html, names, plot, range, readouts,
  row, slider, tie,
} from "live/figure";

const K = 10;
const FARTHEST = 12; // lead
const TOP = 4; // of the plot
const SMOOTHEST = 0.5;

/** The probability of the truth where its logit leads all others by the same. */
export const truth = (lead, classes = K) => 1 / (1 + (classes - 1) * Math.exp(-lead));

/** −Σ q log p for the smoothed target: log(1 + (K − 1)e^−lead) + ε (K − 1)/K · lead. */
export const loss = (lead, epsilon, classes = K) =>
  Math.log1p((classes - 1) * Math.exp(-lead)) + ((epsilon * (classes - 1)) / classes) * lead;

/** The lead with the lowest loss, log(1 + K(1 − ε)/ε); it is infinite without smoothing. */
export const bestLead = (epsilon, classes = K) =>
  Math.log1p((classes * (1 - epsilon)) / epsilon);

/** The lowest loss: the entropy of the smoothed target. */
export function floor(epsilon, classes = K) {
  const [rest, own] = [epsilon / classes, 1 - epsilon + epsilon / classes];
  return epsilon ? -own * Math.log(own) - (classes - 1) * rest * Math.log(rest) : 0;
}

/** Build the figure; `mount` puts it into the page. */
export function build() {
  const start = { lead: 9, epsilon: 0.1 };
  const state = { ...start };
  const spoken = announcer();
  let width = 0;

  const set = (changes) => {
    Object.assign(state, changes);
    spoken.say(update());
  };
  const chart = plot({
    label: "The loss against the lead; the table has the numbers.",
    x: { low: 0, high: FARTHEST, ticks: range(7).map((i) => 2 * i), label: "lead of the true logit" },
    y: { low: 0, high: TOP, ticks: range(TOP + 1), label: "loss (nats)" },
    drag: (lead) => set({ lead }),
  });
  const sliders = {
    lead: slider({
      label: "Lead of the true logit", bounds: [0, FARTHEST, 0.1],
      say: (lead) => fixed(lead, 1), change: (lead) => set({ lead }),
    }),
    epsilon: slider({
      label: "Label smoothing ε", bounds: [0, SMOOTHEST, 0.01],
      say: (epsilon) => fixed(epsilon, 2), change: (epsilon) => set({ epsilon }),
    }),
  };
  const table = readouts(
    "This lead and the best one",
    ["lead", "p of the truth", "loss", "above the floor"],
    ["● this lead", "◆ best lead"],
  );
  const sentence = html("p", { class: "live-sentence" });

  const marks = () => {
    const { lead, epsilon } = state;
    const curves = [0, epsilon].map((amount, i) => ({
      name: `ε = ${fixed(amount, 2 * i)}`,
      line: ["vermilion dashed", "blue"][i],
      points: range(241).map((k) => [k / 20, loss(k / 20, amount)]).filter(([, b]) => b <= TOP),
    }));
    const place = (a) => chart.at(a, Math.min(loss(a, epsilon), TOP));
    const best = bestLead(epsilon);
    return [
      ...curves.map(({ line, points }) =>
        chart.curve(points.map(([a]) => a), points.map(([, b]) => b), line)),
      ...(best <= FARTHEST ? [diamond(place(best), "green")] : []),
      disk(place(lead), "blue"),
      ...names(chart, curves),
    ];
  };
  const render = () => chart.render([width, 230], marks);

  /** Bring everything up to the state; return it in words. */
  const update = () => {
    const { lead, epsilon } = state;
    const [best, lowest] = [bestLead(epsilon), floor(epsilon)];
    for (const [name, control] of Object.entries(sliders)) control.show(state[name]);
    const cells = (a, value) =>
      [fixed(truth(a), 4), fixed(value, 3), fixed(Math.max(value - lowest, 0), 3)];
    table.fill([
      [fixed(lead, 1), ...cells(lead, loss(lead, epsilon))],
      [Number.isFinite(best) ? fixed(best, 2) : "∞", ...cells(best, lowest)],
    ]);
    sentence.textContent = tie(
      epsilon
        ? `With ε = ${fixed(epsilon, 2)} no loss lies below ${fixed(lowest, 3)}. ` +
          `${lead > best ? "More" : "Less"} confidence than ${fixed(truth(best), 3)} costs.`
        : "Without smoothing a larger lead is always better: there is no best one.",
    );
    if (width) render();
    return sentence.textContent;
  };

  update();
  return {
    state,
    set,
    sliders,
    label: "how sure to be of a smoothed target",
    caption:
      "The loss of one sample of ten classes against the lead of its true logit over all others " +
      "(solid), and without smoothing (dashed). Drag the lead (disk). The diamond is the best " +
      "lead; it moves with ε.",
    elements: [
      html("div", { class: "live-plots" }, chart.element),
      controls(sliders.lead, sliders.epsilon),
      row(
        button("Go to the best lead", () =>
          set({ lead: clamp(bestLead(state.epsilon), 0, FARTHEST) })),
        button("No smoothing", () => set({ epsilon: 0 })),
        button("Start again", () => set(start)),
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
