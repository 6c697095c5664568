"""Networks only: mixture (batch, channels, frames) to stems (batch, stems, channels, frames)."""
