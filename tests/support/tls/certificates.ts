/** Certificates for tests, made by openssl when first asked for and shared by a process. @module */
import { CertificateFiles } from "../../../lib/tls/certificate_files.ts";
import { silentLog } from "../../../lib/log.ts";

/** Where a pair made for a test lies. */
export interface TestPair {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Makes a self-signed pair for `names` (`DNS:a.test`, `IP:127.0.0.1`) in `directory`. */
export async function makePair(
  directory: string,
  name: string,
  names: readonly string[],
): Promise<TestPair> {
  const certFile = `${directory}/${name}.crt`;
  const keyFile = `${directory}/${name}.key`;
  const { success, stderr } = await new Deno.Command("openssl", {
    args: [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
      ...["-keyout", keyFile, "-out", certFile, "-days", "2", "-subj", `/CN=${name}`],
      ...["-addext", "basicConstraints=critical,CA:FALSE"],
      ...(names.length > 0 ? ["-addext", `subjectAltName=${names.join(",")}`] : []),
    ],
    stderr: "piped",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return { certFile, keyFile };
}

/** A directory that is removed with everything in it. */
export class TestDirectory implements AsyncDisposable {
  private constructor(readonly path: string) {}

  static async make(): Promise<TestDirectory> {
    return new TestDirectory(await Deno.makeTempDir({ prefix: "maelstrom-tls-" }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/** Certificates for `a.test` with `localhost` and 127.0.0.1 (the default), and for `*.b.test`. */
export async function testCertificates(directory: TestDirectory): Promise<CertificateFiles> {
  const files = await Promise.all([
    makePair(directory.path, "a.test", ["DNS:a.test", "DNS:localhost", "IP:127.0.0.1"]),
    makePair(directory.path, "b.test", ["DNS:*.b.test"]),
  ]);
  return await CertificateFiles.open(files, { log: silentLog });
}
