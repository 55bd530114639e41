"""One module per objective, each named after the lesson that derives it."""
