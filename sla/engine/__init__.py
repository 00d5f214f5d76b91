"""The deadline engine: clocks, the decision table, verdicts, evaluation and explanation."""
