import { ByteConnection, dial } from "./byte-connection.ts";

/** A connection to a TCP port of this machine, and the text that comes back. */
export class TextConnection extends ByteConnection {
  /** What has come and has not been taken. */
  text = "";

  static async open(port: number): Promise<TextConnection> {
    return new TextConnection((await dial({ port, host: "127.0.0.1" })).setNoDelay(true));
  }

  protected override receive(chunk: Buffer): void {
    this.text += chunk.toString("latin1");
  }

  /** All that has come. */
  take(): string {
    const { text } = this;
    this.text = "";
    return text;
  }
}
