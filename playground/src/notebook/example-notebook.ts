import { newCell, newNotebook, type NotebookDocument } from "./notebook-document.js";

const INTRODUCTION = `# A live Python, in your browser

Every cell runs in a sandbox of its own session. Press **Run all** above, or <kbd>Shift</kbd>+<kbd>Enter</kbd> in one cell after the other.

This one sends twenty thousand points through a *strange attractor*:

$$\\begin{aligned} x' &= \\sin(a\\,y) + c\\,\\cos(a\\,x) \\\\ y' &= \\sin(b\\,x) + d\\,\\cos(b\\,y) \\end{aligned}$$`;

const FIGURE = `import numpy as np
import matplotlib.pyplot as plt

a, b, c, d = -1.7, 1.8, -1.9, -0.4
x, y = np.random.default_rng(7).uniform(-1, 1, (2, 20_000))
density = 0

for step in range(80):
    x, y = np.sin(a * y) + c * np.cos(a * x), np.sin(b * x) + d * np.cos(b * y)
    density += np.histogram2d(y, x, (480, 720), [[-1.6, 1.6], [-3, 3]])[0]

plt.figure(figsize=(9, 4.8), facecolor="black").add_axes((0, 0, 1, 1)).axis("off")
plt.imshow(np.log1p(density), cmap="inferno", aspect="auto")
plt.show()`;

const STATE = `## What was defined stays

\`x\` and \`y\` are still there: the interpreter keeps its state from one cell to the next.`;

const TABLE = `import pandas as pd

points = pd.DataFrame({"x": x, "y": y})
points["quadrant"] = np.where(y > 0, "upper ", "lower ") + np.where(x > 0, "right", "left")
points.groupby("quadrant").agg(
    points=("x", "size"), mean_x=("x", "mean"), mean_y=("y", "mean"), spread=("y", "std")
).round(3)`;

const CHART = `from IPython.display import display

some = points.head(4000)
display({"application/vnd.plotly.v1+json": {
    "data": [{
        "type": "scatter", "mode": "markers",
        "x": some["x"].tolist(), "y": some["y"].tolist(), "text": some["quadrant"].tolist(),
        "marker": {
            "size": 4, "color": np.hypot(some["x"], some["y"]).tolist(),
            "colorscale": [[0, "#7b2d8b"], [0.5, "#d9480f"], [1, "#f2b632"]],
        },
    }],
    "layout": {"title": {"text": "Drag across the points to zoom"}, "height": 420},
}}, raw=True)`;

const ERROR = `## When something goes wrong

The line that failed is shown, and everything defined before is kept.`;

const FAILURE = `def speed(distance, time):
    return distance / time

trips = [(120, 2), (90, 1.5), (40, 0)]
[speed(distance, time) for distance, time in trips]`;

/** What a browser sees at its first visit: a minute's tour that runs as it is. */
export function exampleNotebook(): NotebookDocument {
  return newNotebook([
    newCell("markdown", INTRODUCTION),
    newCell("code", FIGURE),
    newCell("markdown", STATE),
    newCell("code", TABLE),
    newCell("code", CHART),
    newCell("markdown", ERROR),
    newCell("code", FAILURE),
  ]);
}
