import { describe, expect, it } from "vitest";
import {
  bestLayout,
  downstream,
  edgeId,
  inRunOrder,
  layoutGraph,
  NODE_HEIGHT,
  NODE_WIDTH,
  neighbour,
  softPath,
} from "@/pure/graph";

const edge = (source: string, target: string) => ({ source, target, data: true });
/** publish is declared first on purpose: order comes from the edges. */
const NODES = ["publish", "fetch", "chunk", "vectors", "summary"].map((name) => ({ name }));
const EDGES = [
  edge("fetch", "chunk"),
  edge("chunk", "vectors"),
  edge("chunk", "summary"),
  edge("vectors", "publish"),
  edge("summary", "publish"),
];

describe("layoutGraph", () => {
  const { boxes, width, height } = layoutGraph(NODES, EDGES, "LR");
  const at = (name: string) => boxes.find((box) => box.name === name) ?? { x: Number.NaN, y: Number.NaN };

  it("puts every step right of what it waits for", () => {
    for (const { source, target } of EDGES) expect(at(target).x).toBeGreaterThan(at(source).x + NODE_WIDTH);
  });

  it("lets no two steps overlap, inside its own size", () => {
    for (const a of boxes)
      for (const b of boxes)
        if (a !== b) expect(Math.abs(a.x - b.x) >= NODE_WIDTH || Math.abs(a.y - b.y) >= NODE_HEIGHT).toBe(true);
    for (const box of boxes) {
      expect(box.x + NODE_WIDTH).toBeLessThanOrEqual(width);
      expect(box.y + NODE_HEIGHT).toBeLessThanOrEqual(height);
    }
  });

  it("goes downwards on a phone", () => {
    const tall = layoutGraph(NODES, EDGES, "TB");
    const y = (name: string) => tall.boxes.find((box) => box.name === name)?.y ?? Number.NaN;
    for (const { source, target } of EDGES) expect(y(target)).toBeGreaterThan(y(source) + NODE_HEIGHT);
  });

  it("leads each edge around the boxes of others", () => {
    const long = [...EDGES, edge("fetch", "publish")];
    const { ways, boxes: placed } = layoutGraph(NODES, long, "LR");
    const way = ways.get(edgeId(edge("fetch", "publish"))) ?? [];
    expect(way.length).toBe(6);
    for (const box of placed.filter(({ name }) => name !== "fetch" && name !== "publish"))
      for (const { x, y } of way)
        expect(x > box.x && x < box.x + NODE_WIDTH && y > box.y && y < box.y + NODE_HEIGHT).toBe(false);
  });

  it("turns where the frame is too narrow", () => {
    expect(bestLayout(NODES, EDGES, { width: 1200, height: 500 }).direction).toBe("LR");
    expect(bestLayout(NODES, EDGES, { width: 360, height: 600 }).direction).toBe("TB");
  });

  it("draws nothing for an empty graph", () => {
    expect(layoutGraph([], [], "LR").boxes).toEqual([]);
  });

  it("walks with the arrow keys", () => {
    expect(neighbour(boxes, "fetch", "ArrowRight")).toBe("chunk");
    expect(neighbour(boxes, "fetch", "ArrowLeft")).toBe("fetch");
    const [upper, lower] = ["vectors", "summary"].sort((a, b) => at(a).y - at(b).y) as [string, string];
    expect(neighbour(boxes, upper, "ArrowDown")).toBe(lower);
    expect(neighbour(boxes, lower, "ArrowUp")).toBe(upper);
  });
});

it("lists steps in the order they can run", () => {
  expect(inRunOrder(NODES, EDGES).map((node) => node.name)).toEqual([
    "fetch",
    "chunk",
    "vectors",
    "summary",
    "publish",
  ]);
});

it("ends on a cycle", () => {
  expect(inRunOrder([{ name: "a" }, { name: "b" }], [edge("a", "b"), edge("b", "a")])).toHaveLength(2);
});

it("finds what a replay runs", () => {
  expect([...downstream(["summary"], EDGES)].sort()).toEqual(["publish", "summary"]);
});

it("draws a soft line from the first point to the last", () => {
  const points = [
    { x: 0, y: 0 },
    { x: 10, y: 4 },
    { x: 20, y: 8 },
  ];
  expect(softPath(points, "LR")).toBe("M 0 0 C 5 0 5 4 10 4 C 15 4 15 8 20 8");
  expect(softPath(points.slice(0, 2), "TB")).toBe("M 0 0 C 0 2 10 2 10 4");
  expect(softPath([], "LR")).toBe("");
});
