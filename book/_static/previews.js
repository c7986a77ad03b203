// Hover or focus shows what a link leads to: cloned from this page, without a request.
(() => {
"use strict";

const box = document.createElement("div");
box.id = "preview";
box.className = "preview";
box.setAttribute("role", "tooltip");
box.hidden = true;
document.body.append(box);
const elsewhere = document.getElementById("previews")?.content;
let timer;
let current = null;

/** A copy of what an address of this page leads to, or of what travels in the template. */
function copyOf(link) {
  const id = decodeURIComponent(link.hash.slice(1));
  if (!id) return null;
  if (link.pathname !== location.pathname) {
    const part = elsewhere?.querySelector(`[data-of="${CSS.escape(id)}"]`);
    return part ? part.cloneNode(true) : null;
  }
  const target = document.getElementById(id);
  if (!target?.matches("figure, .claim, .math-wrapper, div.math")) return null;
  const copy = target.cloneNode(true);
  copy.removeAttribute("id");
  copy.classList.remove("is-live");
  copy.querySelectorAll(".headerlink, .live-figure, .live-caption").forEach((part) => part.remove());
  copy.querySelectorAll("[id]").forEach((part) => part.removeAttribute("id"));
  if (!copy.matches("li")) return copy;
  const claim = document.createElement("div");
  claim.className = "claim";
  claim.append(...copy.childNodes);
  return claim;
}

function show(link) {
  const copy = copyOf(link);
  if (!copy) return;
  hide();
  box.replaceChildren(copy);
  box.hidden = false;
  current = link;
  link.setAttribute("aria-describedby", box.id);
  place(link);
}

/** Stand under the link, or above it where there is more room; go when it leaves the window. */
function place(link) {
  const at = link.getBoundingClientRect();
  if (at.bottom < 0 || at.top > innerHeight) {
    hide();
    return;
  }
  const width = Math.min(36 * 16, innerWidth - 24);
  box.style.width = `${width}px`;
  box.style.left = `${Math.max(12, Math.min(at.left, innerWidth - width - 12))}px`;
  const below = at.bottom + 8;
  const fits = below + box.offsetHeight < innerHeight || at.top < box.offsetHeight + 16;
  box.style.top = `${fits ? below : at.top - box.offsetHeight - 8}px`;
}

function hide() {
  clearTimeout(timer);
  current?.removeAttribute("aria-describedby");
  current = null;
  box.hidden = true;
}

const linkOf = ({ target }) => target.closest?.("article a[href*='#']:not(.headerlink)");
document.addEventListener("mouseover", (event) => {
  const link = linkOf(event);
  if (link && link !== current) {
    clearTimeout(timer);
    timer = setTimeout(() => show(link), 250);
  } else if (!link && !event.target.closest?.("#preview")) {
    clearTimeout(timer);
    timer = setTimeout(hide, 200);
  } else clearTimeout(link ? undefined : timer);
});
document.addEventListener("focusin", (event) => {
  const link = linkOf(event);
  if (link?.matches(":focus-visible")) show(link);
  else if (!link) hide();
});
document.addEventListener("keydown", ({ key }) => key === "Escape" && hide());
addEventListener("scroll", () => current && place(current), { passive: true });
})();
