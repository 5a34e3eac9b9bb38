// The types of tests/ndk/newer_types.h, as they are declared.
package newer;

interface IEverything {
  @Backing(type="byte") enum Size { SMALL = 1, LARGE }
  @Backing(type="int") enum Color { RED = 5 << 1, GREEN = RED * 2, }
  @Backing(type="long") enum Distance { NEAR = 1, FAR = 1L << 40 }

  @FixedSize parcelable Point {
    int x;
    int y = 0;
  }
  union Choice {
    int[] numbers = {};
    @utf8InCpp String text;
    Point point;
    Color color;
  }

  /** One field of each kind that has a form in JSON. */
  parcelable Fields {
    const int THREE = 1 + 2;
    parcelable Nested { String text; }

    boolean flag;
    byte small;
    char character;
    int number = -0x10;
    long large;
    float real = 1.5f;
    double precise;
    Size size = Size.SMALL;
    Color color = Color.RED;
    Distance distance = Distance.NEAR;
    byte[] bytes;
    boolean[] booleans;
    char[] characters;
    Size[] sizes;
    Color[] colors;
    Distance[] distances;
    float[] reals;
    List<String> texts;
    Point[] points;
    Choice[] choices;
    int[THREE] three = {1, 2, THREE};
    byte[2][2] square = {{1, 2}, {3, 4}};
    @nullable String maybe_text;
    @nullable Point maybe_point;
    @nullable(heap=true) Nested maybe_nested;
    @nullable int[] maybe_numbers;
    @nullable List<String> maybe_texts;
    @nullable Point[] maybe_points;
    @nullable IBinder maybe_object;
    @nullable ParcelFileDescriptor maybe_file;
    Choice choice;
    Nested nested;
  }

  void take(in Fields fields) = 5;
  oneway void tell(long a, inout List<List<int>> b) = 6;
}
