import assert from "node:assert/strict";
import { type TableLayout, tableLines } from "../../cli/table.ts";

const LAYOUT: TableLayout = {
  columns: [
    { title: "Component", width: 30, cut: true },
    { title: "Ver", width: 5 },
    { title: "Image", width: 10, cut: true },
    { title: "", width: 0 },
  ],
  dashes: 60,
  empty: "Nothing",
};
const ROWS = [
  ["shop", "12", "registry.example.com/shop:7", ""],
  ["a-component-with-a-name", "3", "blog:1", "pulling blog:1, 45 %"],
];

const cases: { columns: number | undefined; want: string[] }[] = [
  {
    columns: undefined,
    want: [
      "Component                       Ver    Image",
      "-".repeat(60),
      "shop                            12     registry.e",
      "a-component-with-a-name         3      blog:1      pulling blog:1, 45 %",
    ],
  },
  {
    columns: 120,
    want: [
      "Component                Ver  Image",
      "-".repeat(57),
      "shop                     12   registry.example.com/shop:7",
      "a-component-with-a-name  3    blog:1                       pulling blog:1, 45 %",
    ],
  },
  {
    columns: 41,
    want: [
      "Component          Ver  Image",
      "-".repeat(41),
      "shop               12   registry.example…",
      "a-component-with…  3    blog:1             pulling blog:1, 45 %",
    ],
  },
  {
    columns: 10,
    want: [
      "Compone…  Ver  Image",
      "-".repeat(10),
      "shop      12   registr…",
      "a-compo…  3    blog:1    pulling blog:1, 45 %",
    ],
  },
];
for (const { columns, want } of cases) {
  Deno.test(`tableLines() fits ${columns ?? "what is no terminal, with its own widths"}`, () => {
    assert.deepEqual(tableLines(LAYOUT, ROWS, { isColoured: false, columns }), want);
  });
}
