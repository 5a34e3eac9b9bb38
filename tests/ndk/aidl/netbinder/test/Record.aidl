package netbinder.test;

parcelable Record {
  int number = 7;
  String name = "nobody";
  @nullable String[] aliases;
  byte[] data;
  double weight = 0.0;
  boolean present = false;
}
