// A run's progress: the page is read again until the run has ended; then the server answers with its report.
"use strict";
(() => {
  const MS = 300;
  const get = (id, from = document) => from.getElementById(id);
  const write = (text) => { if (get("run-state").textContent !== text) get("run-state").textContent = text; };
  const look = async () => {
    let wait = MS;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.redirected) { location.replace(answer.url); return; }
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!get("run-state", fresh)) throw new Error(fresh.querySelector("[role=alert]")?.textContent || `The server answered ${answer.status}.`);
      write(get("run-state", fresh).textContent);
      if (get("progress").innerHTML !== get("progress", fresh).innerHTML) get("progress").replaceWith(document.importNode(get("progress", fresh), true));
    } catch (error) {
      write(`How far it is cannot be seen: ${error instanceof TypeError ? "the server does not answer." : error.message}`);
      wait = 2000;
    }
    setTimeout(look, wait);
  };
  setTimeout(look, MS);
})();
