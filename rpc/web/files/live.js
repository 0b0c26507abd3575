// Events of the node, over one connection to GET /events for all tabs of a browser: over HTTP/1.1 a browser
// opens six connections to a node, and each stream would keep one for as long as its tab is open. This script
// is the shared worker that has the connection. A browser without shared workers elects a tab instead; one
// without locks, too, has a stream in each tab.

const names = ["block", "reorg", "transaction", "unpaid", "peer", "mining", "reset"];
const again = 2000; // ms until a refused stream is asked for again

// connect calls hear with the name and the text of each event, with "open" when the stream is there, and with
// "lost" when it ends.
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

// follow hears the node's events in a tab.
export function follow(hear) {
  if (!window.SharedWorker) return elect(hear);
  const worker = new SharedWorker("/web/live.js", { type: "module" });
  worker.onerror = () => elect(hear);
  worker.port.onmessage = (e) => hear(e.data.name, e.data.text);
  window.addEventListener("pagehide", (e) => e.persisted || worker.port.postMessage("closed"));
}

// elect makes the tab that holds a lock the one with the connection. It tells the others. When it is closed,
// the next one gets the lock.
function elect(hear) {
  if (!navigator.locks || !window.BroadcastChannel) return connect(hear);
  const channel = new BroadcastChannel("kuai-events");
  let state = "",
    leads = false;
  channel.onmessage = (e) => {
    if (!leads && e.data.name !== "state?") hear(e.data.name, e.data.text);
    if (leads && e.data.name === "state?" && state) channel.postMessage({ name: state });
  };
  channel.postMessage({ name: "state?" });
  navigator.locks.request("kuai-events", () => {
    leads = true;
    connect((name, text) => {
      if (name === "open" || name === "lost") state = name;
      hear(name, text);
      channel.postMessage({ name, text });
    });
    return new Promise(() => {}); // held until the tab is closed
  });
}

if (typeof SharedWorkerGlobalScope === "function") serveTabs();
