/** What Swift's clients are told of limits at /info, and are held to. */
export const swiftLimits = {
  max_file_size: 5 * 1024 ** 3,
  max_meta_name_length: 128,
  max_meta_value_length: 256,
  max_meta_count: 90,
  max_meta_overall_size: 4096,
  max_header_size: 8192,
  extra_header_count: 0,
  max_object_name_length: 1024,
  container_listing_limit: 10_000,
  account_listing_limit: 10_000,
  max_account_name_length: 256,
  max_container_name_length: 256,
} as const;

/** The one storage policy: three replicas. */
export const POLICY_NAME = 'default';
