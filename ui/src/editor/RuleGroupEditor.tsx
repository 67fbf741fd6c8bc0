// The editor of one rule group.

import { useEffect, useMemo, useRef } from "react";
import type { RuleGroupChecked } from "../api/types.ts";
import CodeEditor from "./CodeEditor.tsx";
import { ruleGroup } from "./ruleGroup.ts";

type Props = {
  value: string;
  onChange: (value: string) => void;
  onLine: (line: number) => void;
  onChecked: (checked: RuleGroupChecked) => void;
  readOnly?: boolean;
};

export default function RuleGroupEditor({ onChecked, ...props }: Props) {
  const heard = useRef(onChecked);
  useEffect(() => {
    heard.current = onChecked;
  });
  const language = useMemo(() => ruleGroup((checked) => heard.current(checked)), []);
  return <CodeEditor label="Rule group" language={language} numbered minHeight={420} {...props} />;
}
