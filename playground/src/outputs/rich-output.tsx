import { artifactsOf } from "./artifact.js";
import { ArtifactOutput } from "./artifact-output.js";
import type { LoadArtifact, RichCellOutput } from "./cell-output.js";
import { HtmlOutput } from "./html-output.js";
import { ImageOutput } from "./image-output.js";
import { IsolatedOutput } from "./isolated-output.js";
import { JsonOutput } from "./json-output.js";
import { LatexOutput } from "./latex-output.js";
import { Markdown } from "../markdown/markdown.js";
import { chooseMime, jsonValue, textValue } from "./mime-choice.js";
import { TextOutput } from "./text-output.js";

interface RichOutputProps {
  output: Pick<RichCellOutput, "data" | "metadata">;
  loadArtifact: LoadArtifact | undefined;
}

/**
 * A value in the best of its representations that can be drawn. A representation that was too large for its event counts
 * as well: it is offered, above the best of those that are there.
 */
export function RichOutput({ output, loadArtifact }: RichOutputProps) {
  const { data, metadata } = output;
  const artifacts = artifactsOf(metadata);
  const present = Object.keys(data);
  const best = chooseMime([...present, ...artifacts.map(({ mime }) => mime)]);
  const large = artifacts.find(({ mime }) => mime === best?.mime && !present.includes(mime));
  if (large === undefined) return <Drawn data={data} metadata={metadata} />;
  return (
    <>
      <ArtifactOutput
        artifact={large}
        load={loadArtifact}
        draw={(value) => <Drawn data={{ ...data, [large.mime]: value }} metadata={metadata} />}
      />
      <Otherwise data={data} metadata={metadata} without={large.mime} />
    </>
  );
}

interface DrawnProps {
  data: Readonly<Record<string, unknown>>;
  metadata: Readonly<Record<string, unknown>>;
}

function Drawn({ data, metadata }: DrawnProps) {
  const choice = chooseMime(Object.keys(data));
  const value = choice && data[choice.mime];
  const plain = data["text/plain"] === undefined ? "" : textValue(data["text/plain"]);
  switch (choice?.drawing) {
    case "isolated":
      return (
        <IsolatedOutput
          mime={choice.mime}
          value={choice.mime.endsWith("javascript") ? textValue(value) : value}
          otherwise={<Otherwise data={data} metadata={metadata} without={choice.mime} />}
        />
      );
    case "html":
      return (
        <HtmlOutput
          html={textValue(value)}
          otherwise={<Otherwise data={data} metadata={metadata} without={choice.mime} />}
        />
      );
    case "markdown":
      return <Markdown source={textValue(value)} />;
    case "latex":
      return <LatexOutput source={textValue(value)} />;
    case "svg":
    case "raster":
      return (
        <ImageOutput mime={choice.mime} value={value} metadata={metadata} description={plain} />
      );
    case "json": {
      const json = jsonValue(value);
      return json === undefined ? (
        <TextOutput text={textValue(value)} label="JSON" running={false} />
      ) : (
        <JsonOutput value={json} label="JSON" />
      );
    }
    case "text":
      return <TextOutput text={textValue(value)} label="Result" running={false} />;
    case undefined:
      return (
        <p class="output-note">
          Nothing here can be shown: {Object.keys(data).join(", ") || "an empty output"}
        </p>
      );
  }
}

/** The best of the other representations, if there are any. */
function Otherwise({ data, metadata, without }: DrawnProps & { without: string }) {
  const { [without]: _, ...others } = data;
  return Object.keys(others).length > 0 ? <Drawn data={others} metadata={metadata} /> : null;
}
