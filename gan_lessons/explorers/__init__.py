"""The drawings behind the sliders, one module per lesson: functions that return an Explorer."""
