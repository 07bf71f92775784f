// A line to the gateway that can be broken: passes bytes on, cuts WebSockets in the middle of anything.

import net from "node:net";

export class Line {
  #port;
  #sockets = new Set();
  #server = net.createServer((near) => this.#join(near));
  cuts = 0;

  constructor(port) {
    this.#port = port;
  }

  async open() {
    await new Promise((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  close() {
    for (const pair of this.#sockets) pair.end();
    this.#server.close();
  }


  /** Breaks one WebSocket: at once, or after it has been silently swallowing for a while. */
  cut(silentMs = 0) {
    const [pair] = this.#sockets;
    if (!pair) return false;
    this.#sockets.delete(pair);
    this.cuts += 1;
    if (silentMs) pair.swallow();
    setTimeout(() => pair.end(), silentMs);
    return true;
  }

  #join(near) {
    const far = net.connect(this.#port, "127.0.0.1");
    const pair = new Pair(near, far, () => this.#sockets.add(pair), () => this.#sockets.delete(pair));
  }
}

class Pair {
  #swallowing = false;

  constructor(near, far, upgraded, ended) {
    this.near = near;
    this.far = far;
    near.once("data", (bytes) => /^upgrade: *websocket/im.test(bytes.toString("latin1")) && upgraded());
    this.#pass(near, far, ended);
    this.#pass(far, near, ended);
  }

  swallow() {
    this.#swallowing = true;
  }

  end() {
    this.near.resetAndDestroy();
    this.far.resetAndDestroy();
  }

  #pass(from, to, ended) {
    from.on("data", (bytes) => this.#swallowing || to.write(bytes));
    from.on("error", () => undefined);
    from.on("close", () => {
      ended();
      to.destroy();
    });
  }
}
