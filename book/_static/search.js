// The search: entries of the whole book, looked through in this browser.
(() => {
"use strict";

const root = document.documentElement.dataset.content_root;
const place = document.getElementById("search-results");
const form = document.getElementById("search-form");
const status = document.getElementById("search-status");
const KINDS = { claim: "Claim", figure: "Figure", exercise: "Exercise", term: "Glossary", source: "Bibliography", library: "Library" };
const CJK = /[\u3400-\u9fff]/;
const NUMBERED = /^(claim|figure|fig\.?|exercise|ex\.?)\s*(\d+\.\d+)$/i;

// Dollár is found as dollar, cross-entropy as its parts, 学习率 by pairs of characters.
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
const sameName = (text) => plain(text).replace(/[-_\s]+/g, " ");

function tokenize(text) {
  const tokens = [];
  for (const word of text.split(/[^\p{L}\p{M}\p{N}.]+/u)) {
    const bare = word.replace(/^\.+|\.+$/g, "");
    if (!bare) continue;
    if (!CJK.test(bare)) {
      tokens.push(bare);
      continue;
    }
    for (const run of bare.match(/[\u3400-\u9fff]+|[^\u3400-\u9fff]+/gu)) {
      if (!CJK.test(run) || run.length < 2) tokens.push(run);
      else for (let i = 0; i + 1 < run.length; i += 1) tokens.push(run.slice(i, i + 2));
    }
  }
  return tokens;
}

const engine = new MiniSearch({
  fields: ["title", "text", "chapter", "also"],
  tokenize,
  processTerm: (term) => plain(term) || null,
  searchOptions: {
    boost: { title: 4, chapter: 0.5 },
    boostDocument: (id) => ({ term: 1.6, section: 1.2, library: 0.7 })[SEARCH.entries[id].kind] ?? 1,
    combineWith: "AND",
    prefix: (term) => term.length > 2,
    fuzzy: (term) => (term.length > 5 && !CJK.test(term) ? 0.15 : false),
  },
});
// In parts, so that a slow phone answers in between.
const ready = engine.addAllAsync(SEARCH.entries.map((entry, id) => ({ id, ...entry })), { chunkSize: 50 });

const aliases = new Map(Object.entries(SEARCH.aliases).map(([name, term]) => [plain(name), term]));

/** The entries that a query means, best first. */
function find(query) {
  const text = query.trim();
  const numbered = text.match(NUMBERED);
  if (numbered) {
    const kind = { f: "figure", c: "claim", e: "exercise" }[numbered[1][0].toLowerCase()];
    return SEARCH.entries.filter(({ label }) => label === `${kind} ${numbered[2]}`);
  }
  const term = aliases.get(plain(text));
  const found = new Map();
  const add = (results, factor) =>
    results.forEach(({ id, score }) => found.set(id, Math.max(found.get(id) ?? 0, factor * score)));
  add(engine.search(text), 1);
  if (term) add(engine.search(term), 1);
  if (!found.size) add(engine.search(text, { combineWith: "OR" }), 1);
  const wanted = [text, term ?? text].map(sameName);
  const exact = (id) => {
    const { title, also = [] } = SEARCH.entries[id];
    return [title, ...also].some((name) => wanted.includes(sameName(name)));
  };
  return [...found]
    .sort(([a, x], [b, y]) => exact(b) - exact(a) || y - x)
    .map(([id]) => SEARCH.entries[id]);
}

const make = (tag, attributes, ...children) => {
  const element = document.createElement(tag);
  Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
  element.append(...children);
  return element;
};

/** Some words of an entry around the first that was looked for, which are marked. */
function excerpt(text, query) {
  const wanted = tokenize(query).map(plain).filter((word) => word.length > 1);
  const at = Math.max(0, plain(text).search(new RegExp(wanted.map(escape).join("|") || "^", "u")));
  const start = at < 90 ? 0 : text.indexOf(" ", at - 90) + 1;
  const whole = text.length <= start + 240;
  const part = whole ? text.slice(start) : text.slice(start, text.lastIndexOf(" ", start + 240));
  const element = make("p", { class: "search-excerpt" });
  if (start > 0) element.append("… ");
  for (const word of part.split(/(?<=[^\p{L}\p{M}\p{N}])|(?=[^\p{L}\p{M}\p{N}])/u)) {
    const hit = wanted.some((other) => plain(word).startsWith(other));
    element.append(hit ? make("mark", {}, word) : word);
  }
  if (!whole) element.append(" …");
  return element;
}

const escape = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

async function show(query) {
  await ready;
  const found = find(query).slice(0, 40);
  place.replaceChildren(
    ...found.map((entry) => {
      const address = `${root}${entry.page}.html${entry.anchor && `#${entry.anchor}`}`;
      const kind = KINDS[entry.kind] && !entry.title.startsWith(KINDS[entry.kind]) ? KINDS[entry.kind] : "";
      const places = [kind, entry.title === entry.chapter ? "" : entry.chapter];
      const where = [...new Set(places)].filter(Boolean).join(" · ");
      const head = make("a", { href: address }, entry.title);
      return make("li", {}, head, make("span", { class: "search-where" }, where && ` ${where}`), excerpt(entry.text, aliases.get(plain(query)) ?? query));
    }),
  );
  const count = found.length === 1 ? "1 place" : `${found.length}${found.length === 40 ? " or more" : ""} places`;
  status.textContent = found.length ? `${count} for “${query}”` : `Nothing was found for “${query}”. Try fewer words, or the index.`;
}

const query = new URLSearchParams(location.search).get("q") ?? "";
form.elements.q.value = query;
if (query.trim()) show(query);
form.elements.q.addEventListener("input", ({ target }) => {
  if (target.value.trim().length > 1) show(target.value);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  history.replaceState(null, "", `?q=${encodeURIComponent(form.elements.q.value)}`);
  show(form.elements.q.value);
});
window.findInBook = (text) => ready.then(() => find(text)); // what the tests ask
})();
