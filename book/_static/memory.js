// What this reader has read, predicted and solved, kept in this browser alone.
(() => {
"use strict";

const SHELF = "descent";
const FRESH = { read: {}, predicted: {}, solved: {} };
const root = document.documentElement.dataset.content_root ?? "./";
const here = document.querySelector("meta[name=page]")?.content;
const chapter = document.querySelector("meta[name=chapter]")?.content;

function recall() {
  try {
    return { ...FRESH, ...JSON.parse(localStorage.getItem(SHELF)) };
  } catch {
    return { ...FRESH };
  }
}

function keep(change) {
  const memory = recall();
  change(memory);
  try {
    localStorage.setItem(SHELF, JSON.stringify(memory));
  } catch {
    return; // a browser that stores nothing forgets at once
  }
}

const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
};

// Speaks to screen readers what a press has changed.
const voice = make("p", { class: "spoken", role: "status", "aria-live": "polite" });
document.querySelector("article")?.append(voice);
const say = (text) => (voice.textContent = text);

// Sections whose heading stood before the reader's eyes for a moment count as read.
function followReading() {
  const headings = [...document.querySelectorAll("article section[id] > h2")];
  const ids = headings.map((heading) => heading.parentElement.id);
  const note = () => {
    const tops = headings.map((heading) => heading.getBoundingClientRect().top);
    const now = tops.findLastIndex((top) => top < innerHeight / 3);
    const inSight = ids.filter((_, i) => tops[i] >= 0 && tops[i] < innerHeight);
    if (now < 0 && !inSight.length) return;
    keep((memory) => {
      const seen = new Set([...(memory.read[here]?.seen ?? []), ...inSight]);
      memory.read[here] = { seen: ids.filter((id) => seen.has(id)), of: ids.length };
      const place = Math.max(now, 0);
      memory.last = { page: here, id: ids[place], chapter, title: wording(headings[place]) };
    });
  };
  let timer;
  const settle = () => {
    clearTimeout(timer);
    timer = setTimeout(note, 1500);
  };
  addEventListener("scroll", settle, { passive: true });
  settle();
}

function wording(heading) {
  const copy = heading.cloneNode(true);
  copy.querySelectorAll(".headerlink, .katex-mathml").forEach((part) => part.remove());
  return copy.textContent.trim();
}

// A question: a slider or a choice, then the measured answer beside the prediction.
const digits = (value) =>
  Number(value.toPrecision(value >= 100 ? Math.ceil(Math.log10(value + 1)) : 2)).toLocaleString("en");

function ask(box) {
  const { answer, key, low, high, scale, unit, choices } = box.dataset;
  const fold = box.querySelector(".predict-answer");
  const before = recall().predicted[key];
  const press = make("button", { type: "button" }, "Look");
  const verdict = make("p", { class: "predict-verdict", role: "status", "aria-live": "polite" });
  const { element, value, set, words } = choices
    ? choice(box, choices.split("|").map((text) => text.trim()))
    : range(Number(low), Number(high), scale === "log", unit);
  const show = () => {
    verdict.textContent = words(answer);
    fold.hidden = false;
    fold.open = true;
    press.textContent = "Look again";
  };
  press.addEventListener("click", () => {
    if (value() === null) {
      verdict.textContent = "Choose one first.";
      return;
    }
    keep((memory) => (memory.predicted[key] = value()));
    show();
  });
  box.querySelector(".predict-question").after(element, press, verdict);
  fold.hidden = true;
  if (before !== undefined) {
    set(before);
    show();
  }
}

function range(low, high, logarithmic, unit = "") {
  const inside = logarithmic ? Math.log : (x) => x;
  const outside = logarithmic ? Math.exp : (x) => x;
  const [a, b] = [inside(low), inside(high)];
  const at = (step) => outside(a + ((b - a) * step) / 200);
  const input = make("input", { type: "range", min: 0, max: 200, step: 1, value: 100 });
  const output = make("span", { class: "predict-value", "aria-hidden": "true" });
  const wordy = (x) => `${digits(x)}${unit && ` ${unit}`}`;
  const update = () => {
    output.textContent = wordy(at(input.value));
    input.setAttribute("aria-valuetext", output.textContent);
  };
  input.addEventListener("input", update);
  update();
  return {
    element: make("label", { class: "predict-range" }, "Your prediction", input, output),
    value: () => Number(at(input.value).toPrecision(4)),
    set(x) {
      input.value = Math.round((200 * (inside(x) - a)) / (b - a));
      update();
    },
    words: (answer) => `You said ${wordy(at(input.value))}; measured: ${answer}${unit && ` ${unit}`}.`,
  };
}

let questions = 0;

function choice(box, texts) {
  const name = `predict-${(questions += 1)}`;
  const inputs = texts.map((text) => make("input", { type: "radio", name, value: text }));
  const labels = texts.map((text, i) => make("label", {}, inputs[i], text));
  box.querySelector(".predict-choices")?.remove();
  const chosen = () => inputs.find((input) => input.checked)?.value ?? null;
  return {
    element: make("fieldset", {}, make("legend", {}, "Your prediction"), ...labels),
    value: chosen,
    set: (text) => inputs.forEach((input) => (input.checked = input.value === text)),
    words: (answer) =>
      `You chose: ${chosen()}. ${chosen() === answer ? "So it is." : `Measured: ${answer}.`}`,
  };
}

// An exercise can be marked as solved.
function offerMark(box) {
  const number = box.id.replace("exercise-", "");
  const press = make("button", { type: "button", class: "solved-mark" });
  const show = () => {
    const solved = Boolean(recall().solved[number]);
    press.setAttribute("aria-pressed", solved);
    press.textContent = `Exercise ${number} solved`;
  };
  press.addEventListener("click", () => {
    keep((memory) => (memory.solved[number] ? delete memory.solved[number] : (memory.solved[number] = true)));
    show();
    say(recall().solved[number] ? `Exercise ${number} is marked as solved.` : `Exercise ${number} is open again.`);
  });
  show();
  box.append(make("p", { class: "solved-row" }, press));
}

// The pages that list chapters and exercises show what is done, and where to go on.
function showProgress() {
  const memory = recall();
  document.querySelectorAll(".did").forEach((element) => element.remove());
  const note = (link, text) => link.after(make("span", { class: "did" }, ` ${text}`));
  for (const link of document.querySelectorAll("article dt a[href], article .exercises a[href]")) {
    const address = new URL(link.getAttribute("href"), new URL(root, location.href));
    const [, exercise] = address.hash.split("#exercise-");
    if (exercise && memory.solved[exercise]) note(link, "✓ solved");
    const page = Object.keys(memory.read).find((name) => link.href.endsWith(`/${name}.html`));
    if (page) {
      const { seen, of } = memory.read[page];
      note(link, seen.length === of ? "✓ read" : `${seen.length} of ${of} sections read`);
    }
  }
}

function offerReturn(place) {
  const { last, read, predicted, solved } = recall();
  const empty = ![read, predicted, solved].some((part) => Object.keys(part).length);
  place.replaceChildren();
  if (last?.page) {
    const where = `${last.chapter}, ${last.title}`;
    const link = make("a", { href: `${root}${last.page}.html#${last.id}` }, `Go on where you stopped: ${where}`);
    place.append(make("p", { class: "go-on" }, link));
  }
  if (empty) return;
  const forget = make("button", { type: "button" }, "Forget what I have read and solved");
  forget.addEventListener("click", () => {
    try {
      localStorage.removeItem(SHELF);
    } catch {
      return;
    }
    showProgress();
    place.replaceChildren(make("p", {}, "Forgotten. This browser remembers nothing of your reading."));
    place.tabIndex = -1;
    place.focus();
    say("Forgotten.");
  });
  place.append(
    make("p", { class: "forget" }, forget, " It is remembered in this browser alone."),
  );
}

if (chapter) followReading();
document.querySelectorAll(".predict").forEach(ask);
document.querySelectorAll("section.exercise").forEach(offerMark);
if (!chapter) showProgress();
document.querySelectorAll(".progress").forEach(offerReturn);
})();
