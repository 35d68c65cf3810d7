/** How much of a WebSocket message has arrived that is not whole yet, read off the frames' heads (RFC 6455, section 5.2). */

const FIN = 0x80;
const MASKED = 0x80;
const OPCODE = 0x0f;
/** Opcodes from here on are of control frames, which may stand between those of a message. */
const CONTROL = 0x08;

export class FrameMeter {
  /** Payload bytes of the message under way; 0 between messages. */
  unfinished = 0;
  /** Messages that have begun. */
  begun = 0;
  private ended = 0;
  private readonly head: number[] = [];
  private first = 0;
  /** Payload bytes of the frame that are to come. */
  private left = 0;

  /** Takes the next bytes of the connection. */
  feed(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.left > 0) {
        const taken = Math.min(this.left, chunk.length - at);
        at += taken;
        this.left -= taken;
        if (!this.isControl) this.unfinished += taken;
        if (this.left === 0) this.endFrame();
        continue;
      }
      this.head.push(chunk[at++] as number);
      if (this.head.length < 2 || this.head.length < headLength(this.head)) continue;
      this.first = this.head[0] as number;
      this.left = payloadLength(this.head);
      this.head.length = 0;
      if (!this.isControl && this.begun === this.ended) this.begun++;
      if (this.left === 0) this.endFrame();
    }
  }

  /** Whether a message has begun and not ended. */
  get isUnderWay(): boolean {
    return this.begun > this.ended;
  }

  private get isControl(): boolean {
    return (this.first & OPCODE) >= CONTROL;
  }

  private endFrame(): void {
    if (this.isControl || (this.first & FIN) === 0) return;
    this.unfinished = 0;
    this.ended = this.begun;
  }
}

function lengthBytes(second: number): number {
  const short = second & ~MASKED;
  return short === 127 ? 8 : short === 126 ? 2 : 0;
}

function headLength([, second = 0]: readonly number[]): number {
  return 2 + lengthBytes(second) + ((second & MASKED) === 0 ? 0 : 4);
}

function payloadLength(head: readonly number[]): number {
  const second = head[1] as number;
  const extended = head.slice(2, 2 + lengthBytes(second));
  return extended.length === 0 ? second & ~MASKED : extended.reduce((sum, byte) => sum * 256 + byte, 0);
}
