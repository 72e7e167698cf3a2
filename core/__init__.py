"""What every app uses and none owns: no business tables, imports no app."""
