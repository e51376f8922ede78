/** Sets of IP addresses written as ranges, like 10.0.0.0/8. Pure. @module */
import { BlockList, isIP } from "node:net";
import { MaelstromError } from "../../lib/errors.ts";

/**
 * A test for addresses inside `ranges` (addresses or CIDR ranges, IPv4 or IPv6).
 *
 * @throws {MaelstromError} invalid: an entry is neither; the message opens with `setting`
 */
export function addressRanges(
  ranges: readonly string[],
  setting: string,
): (address: string) => boolean {
  const list = new BlockList();
  for (const range of ranges) {
    const [base = "", bits] = range.split("/");
    const family = isIP(base);
    const size = family === 6 ? 128 : 32;
    const prefix = bits === undefined ? size : Number(bits);
    if (!family || !/^\d+$/.test(bits ?? "0") || prefix > size) {
      const message = `Cannot use ${setting}: "${range}" is not an address or range`;
      throw new MaelstromError("invalid", message);
    }
    list.addSubnet(base, prefix, family === 6 ? "ipv6" : "ipv4");
  }
  if (ranges.length === 0) return () => false;
  return (address) => list.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}
