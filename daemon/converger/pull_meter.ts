/**
 * How far a pull is, from what the engine tells of each layer. Pure.
 *
 * Source: Docker Engine API 1.41, "Create an image" (the words of `status`).
 * @module
 */
import type { PullProgress } from "../../lib/docker/client.ts";

interface Layer {
  /** 0 until the engine tells. */
  totalBytes: number;
  downloadedBytes: number;
  extractedBytes: number;
}

/** Adds up the layers of one pull. Half of the way is the download, half the unpacking. */
export class PullMeter {
  readonly #layers = new Map<string, Layer>();
  #percent = 0;
  /** True when something new came. */
  #isNew = false;

  /** True when the registry had something that was not here. */
  get isNew(): boolean {
    return this.#isNew;
  }

  /** From 0 to 100, never less than before; undefined while nothing is known. */
  get percent(): number | undefined {
    return this.#layers.size === 0 ? undefined : this.#percent;
  }

  /** Takes what the engine tells. */
  add({ status, layer, currentBytes, totalBytes }: PullProgress): void {
    if (status.startsWith("Status: Downloaded newer image")) this.#isNew = true;
    const known = this.#layers.get(layer);
    switch (status) {
      case "Pulling fs layer":
      case "Waiting":
        if (known) return;
        this.#layers.set(layer, { totalBytes: 0, downloadedBytes: 0, extractedBytes: 0 });
        break;
      case "Downloading":
        if (!known) return;
        known.totalBytes = Math.max(known.totalBytes, totalBytes);
        known.downloadedBytes = currentBytes;
        break;
      case "Verifying Checksum":
      case "Download complete":
        if (known) known.downloadedBytes = known.totalBytes;
        break;
      case "Extracting":
        if (!known) return;
        known.downloadedBytes = known.totalBytes = Math.max(known.totalBytes, totalBytes);
        known.extractedBytes = currentBytes;
        break;
      case "Pull complete":
        if (!known) return;
        // A layer may be too small for the engine to tell its size.
        known.totalBytes = Math.max(1, known.totalBytes);
        known.downloadedBytes = known.extractedBytes = known.totalBytes;
        break;
      default:
        return;
    }
    this.#percent = Math.max(this.#percent, this.#now());
  }

  /** Layers of unknown size count as much as the known ones on average. */
  #now(): number {
    const known = [...this.#layers.values()].filter(({ totalBytes }) => totalBytes > 0);
    const total = known.reduce((sum, { totalBytes }) => sum + totalBytes, 0);
    if (total === 0) return 0;
    const done = known.reduce(
      (sum, layer) =>
        sum + Math.min(layer.downloadedBytes, layer.totalBytes) +
        Math.min(layer.extractedBytes, layer.totalBytes),
      0,
    );
    return Math.floor(100 * done / (2 * total) * known.length / this.#layers.size);
  }
}
