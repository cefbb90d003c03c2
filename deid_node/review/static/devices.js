// Proposed regions by key: j and k go through them, y puts one in force, x refuses it.
"use strict";
(() => {
  const proposals = [...document.querySelectorAll(".proposal")];
  const at = () => proposals.findIndex((one) => one.contains(document.activeElement));

  function go(step) {
    if (!proposals.length) return;
    const next = Math.min(proposals.length - 1, Math.max(0, at() + step));
    proposals[next].focus();
    proposals[next].scrollIntoView({ block: "nearest" });
  }

  document.addEventListener("keydown", (event) => {
    // Who holds a key down answers once.
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const step = { j: 1, k: -1 }[event.key];
    const answer = { y: "accept", x: "refuse" }[event.key];
    if (step) go(step);
    // Only about what the person has gone to.
    else if (answer && at() >= 0) proposals[at()].querySelector(`[data-answer=${answer}]`)?.click();
  });
})();
