"""Make gan_lessons/measures/mnist_features.safetensors: tools/train_classifier.py [--seed 0].

Trains the classifier whose features score fakes on MNIST and the drawn digits together, with
MNIST from $GAN_LESSONS_DATA or downloaded: three minutes of one core. Scores of different
classifiers cannot be compared, so make it again only if the course's stored scores are made again.
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gan_lessons.measures import classifier  # noqa: E402


def main():
    ask = argparse.ArgumentParser(description=__doc__,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--seed", type=int, default=0)
    ask.add_argument("--epochs", type=int, default=8)
    ask.add_argument("--out", type=Path, default=classifier.SHIPPED)
    options = ask.parse_args()
    began = time.process_time()
    made = classifier.fit(["mnist", "glyphs"], options.epochs, options.seed)
    classifier.save(made, options.out)
    for name, accuracy in made.accuracy.items():
        print(f"{name}: {accuracy:.2%} of the test images named right")
        print(f"  anchors {made.anchors[name]}")
    print(f"{options.out.name}: {options.out.stat().st_size:,} bytes")
    print(f"{time.process_time() - began:.0f} seconds of processor time")


if __name__ == "__main__":
    main()
