/** The labels of every `vllm:` metric. A router has one engine, number 0. */
export interface EngineLabels {
  model_name: string;
  engine: string;
}

export function engineLabels(modelName: string): EngineLabels & Record<string, string> {
  return { model_name: modelName, engine: '0' };
}
