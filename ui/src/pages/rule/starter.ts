// What a new rule group begins with: something that is true on every installation, to be overwritten.

export const STARTER = `groups:
  - name: my-group
    rules:
      - alert: TargetDown
        expr: up == 0
        for: 3m
        category: application
        priority: high
        annotations:
          summary: "{{ $labels.job }}: {{ $labels.instance }} cannot be scraped"
`;
