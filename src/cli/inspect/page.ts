/** Where Stately Inspector is. */
export const STATELY = "https://stately.ai";

/**
 * A page that shows Stately Inspector and passes on to it what comes from here. It is that which says when it is there.
 * @param nonce allows the page's own style and script, and no others
 */
export function inspectorPage(nonce: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>holdfast inspect</title>
<style nonce="${nonce}">
html, body { height: 100%; margin: 0; }
iframe { border: 0; display: block; height: 100%; width: 100%; }
p { background: #b00; color: #fff; font: 1rem sans-serif; margin: 0; padding: 0.5rem 1rem; }
</style>
<p id="ended" hidden>holdfast inspect has ended, or has dropped this page because it was too slow. Reload it to look again.</p>
<iframe id="inspector" src="${STATELY}/inspect"></iframe>
<script nonce="${nonce}">
const inspector = document.getElementById("inspector");
let socket;
addEventListener("message", ({ source, origin, data }) => {
  if (source !== inspector.contentWindow || origin !== "${STATELY}" || data?.type !== "@statelyai.connected") return;
  socket?.close();
  const opened = new WebSocket("ws://" + location.host + location.pathname + "events");
  socket = opened;
  opened.onmessage = (event) => inspector.contentWindow.postMessage(JSON.parse(event.data), "${STATELY}");
  opened.onclose = () => { document.getElementById("ended").hidden = socket !== opened; };
});
</script>
</html>
`;
}
