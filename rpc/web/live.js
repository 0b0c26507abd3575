"use strict";
// Events of the node. As a shared worker this script keeps one connection to GET /events for all tabs of a browser: over HTTP/1.1 a
// browser opens six connections to a node, and each stream would keep one for as long as its tab is open. A browser without shared
// workers loads it into each tab.

const names = ["block", "reorg", "transaction", "peer", "mining", "reset"];
const again = 2000; // ms until a refused stream is asked for again

// connect calls hear with the name and the text of each event, with "open" when the stream is there, and with "lost" when it ends.
function connect(hear) {
  const source = new EventSource("/events");
  source.onopen = () => hear("open");
  source.onerror = () => {
    hear("lost");
    // After an answer such as 503 the browser does not try again by itself.
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, again, hear);
  };
  for (const name of names) source.addEventListener(name, (e) => hear(name, e.data));
}

function serveTabs() {
  const tabs = new Set();
  let state = ""; // "open" or "lost", once it is known
  self.onconnect = (e) => {
    const tab = e.ports[0];
    tabs.add(tab);
    tab.onmessage = () => tabs.delete(tab); // it says one thing: that it is closed
    if (state) tab.postMessage({ name: state });
  };
  connect((name, text) => {
    if (name === "open" || name === "lost") state = name;
    for (const tab of tabs) tab.postMessage({ name, text });
  });
}

if (typeof SharedWorkerGlobalScope === "function") serveTabs();
