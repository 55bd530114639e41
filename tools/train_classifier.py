"""Make a file of gan_lessons/measures: tools/train_classifier.py digits|photographs [--seed 0].

Trains the classifier whose features score fakes: one on MNIST and the drawn digits together (three
minutes of one core), one on CIFAR-10 (about fifteen). Images come from $GAN_LESSONS_DATA or are
downloaded. Scores of different classifiers cannot be compared, so make one again only if the
course's stored scores are made again.
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
    ask.add_argument("kind", choices=["digits", "photographs"])
    ask.add_argument("--seed", type=int, default=0)
    ask.add_argument("--epochs", type=int, default=8)
    ask.add_argument("--out", type=Path)
    options = ask.parse_args()
    names, out = {"digits": (["mnist", "glyphs"], classifier.SHIPPED),
                  "photographs": (["cifar10"], classifier.SHIPPED_PHOTOGRAPHS)}[options.kind]
    options.out = options.out or out
    began = time.process_time()
    made = classifier.fit(names, options.epochs, options.seed)
    classifier.save(made, options.out)
    for name, accuracy in made.accuracy.items():
        print(f"{name}: {accuracy:.2%} of the test images named right")
        print(f"  anchors {made.anchors[name]}")
    print(f"{options.out.name}: {options.out.stat().st_size:,} bytes")
    print(f"{time.process_time() - began:.0f} seconds of processor time")


if __name__ == "__main__":
    main()
