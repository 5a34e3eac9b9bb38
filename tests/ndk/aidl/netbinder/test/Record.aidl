package netbinder.test;

parcelable Record {
  int number = 7;
  String name = "nobody";
  @nullable String[] aliases;
  byte[] data;
  double weight;
  boolean present;
}
