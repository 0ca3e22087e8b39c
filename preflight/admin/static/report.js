// Copying, and stepping through a strip with the arrow keys.
"use strict";
(() => {
  const copy = async (text) => {
    if (navigator.clipboard && window.isSecureContext) { await navigator.clipboard.writeText(text); return; }
    // Over plain http browsers offer the older way only.
    const area = Object.assign(document.createElement("textarea"), { value: text, className: "vh" });
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) throw new Error("the browser does not allow it");
  };
  const told = (button, word) => {
    const label = button.querySelector("span:not(.vh)") || button;
    const before = label.dataset.before || (label.dataset.before = label.textContent);
    label.textContent = word;
    setTimeout(() => { label.textContent = before; }, 2000);
    const status = document.getElementById("copied");
    if (status) status.textContent = word;
  };
  for (const button of document.querySelectorAll("[data-copy-text], [data-copy-json]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        const address = button.dataset.copyJson;
        const answer = address && await fetch(address);
        if (answer && !answer.ok) throw new Error(`the server answered ${answer.status}`);
        const text = answer ? await answer.text() : document.getElementById(button.dataset.copyText).textContent;
        await copy(answer ? JSON.stringify(JSON.parse(text), null, 2) : text);
        told(button, "Copied");
      } catch (error) { told(button, `Not copied: ${error.message}`); }
    });
  }

  const steps = [...document.querySelectorAll(".steps a")];
  const text = document.getElementById("step-text");
  steps.forEach((step, place) => {
    step.addEventListener("focus", () => {
      for (const one of steps) one.setAttribute("tabindex", one === step ? "0" : "-1");
      text.textContent = step.getAttribute("aria-label");
    });
    step.addEventListener("pointerenter", () => { text.textContent = step.getAttribute("aria-label"); });
    step.addEventListener("keydown", (event) => {
      const to = { ArrowLeft: place - 1, ArrowRight: place + 1, Home: 0, End: steps.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      steps[Math.min(Math.max(to, 0), steps.length - 1)].focus();
    });
  });
})();
