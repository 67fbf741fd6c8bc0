// The editor of one PromQL expression.

import { useMemo } from "react";
import CodeEditor from "./CodeEditor.tsx";
import { promql } from "./promql.ts";

type Props = { value: string; onChange: (value: string) => void; onRun: (value: string) => void; placeholder?: string };

export default function PromqlEditor(props: Props) {
  const language = useMemo(promql, []);
  return <CodeEditor label="PromQL" language={language} minHeight={54} {...props} />;
}
