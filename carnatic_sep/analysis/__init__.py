"""What people do with stems: pitch, tonic, raga, strokes, and files for other programs."""
