"""S3: objects under conditions, and lists of them."""

from .case import Case, is_empty


def s3(operation, parameters=None, **more):
    """A call of S3 about the bucket."""
    return Case("s3", operation, {"Bucket": "$bucket"} | (parameters or {}), **more)


KEY = {"Key": "peers/a b&<ü>.txt"}

CASES = [
    s3("HeadBucket"),
    s3("HeadBucket", {"Bucket": "nowhere"}, fails="404", modelled=False),
    s3("PutObject", KEY | {"Body": "one"}, keeps={"tag": "ETag"}),
    s3(
        "PutObject",
        KEY | {"Body": "x", "IfNoneMatch": "*"},
        fails="PreconditionFailed",
        modelled=False,
    ),
    s3("PutObject", KEY | {"Body": "two", "IfMatch": "$tag"}, keeps={"newer": "ETag"}),
    s3(
        "PutObject",
        KEY | {"Body": "x", "IfMatch": "$tag"},
        fails="PreconditionFailed",
        modelled=False,
    ),
    s3("PutObject", {"Key": "peers/new", "Body": "n", "IfNoneMatch": "*"}),
    s3("PutObject", {"Key": "peers/none", "Body": "x", "IfMatch": "$tag"}, fails="NoSuchKey"),
    s3("PutObject", {"Bucket": "nowhere", "Key": "a"}, fails="NoSuchBucket"),
    s3("GetObject", KEY, says={"Body": "two", "ETag": "$newer", "ContentLength": 3}),
    s3("GetObject", KEY | {"IfNoneMatch": "$tag"}, says={"Body": "two"}),
    s3("GetObject", KEY | {"IfNoneMatch": "$newer"}, fails="304", modelled=False),
    s3("GetObject", {"Key": "peers/none"}, fails="NoSuchKey"),
    s3("GetObject", {"Bucket": "nowhere", "Key": "a"}, fails="NoSuchBucket"),
    s3("HeadObject", KEY, says={"ContentLength": 3, "ETag": "$newer"}),
    s3("HeadObject", {"Key": "peers/none"}, fails="404", modelled=False),
    s3(
        "ListObjectsV2",
        {"Prefix": "peers/"},
        says={"Contents[].Key": ["peers/a b&<ü>.txt", "peers/new"], "IsTruncated": False},
    ),
    s3(
        "ListObjectsV2",
        {"Prefix": "peers/", "MaxKeys": 1},
        says={"KeyCount": 1, "IsTruncated": True},
        keeps={"next": "NextContinuationToken"},
    ),
    s3(
        "ListObjectsV2",
        {"Prefix": "peers/", "ContinuationToken": "$next"},
        says={"Contents[].Key": ["peers/new"]},
    ),
    s3("ListObjectsV2", {"ContinuationToken": "made up"}, fails="InvalidArgument", modelled=False),
    s3(
        "ListObjectsV2",
        {"Delimiter": "/"},
        says={"CommonPrefixes[].Prefix": lambda found: "peers/" in found},
    ),
    s3("ListObjectsV2", {"Bucket": "nowhere"}, fails="NoSuchBucket"),
    s3("DeleteObject", {"Key": "peers/new"}),
    s3("DeleteObject", {"Key": "peers/new"}),
    s3("DeleteObject", KEY),
    s3("ListObjectsV2", {"Prefix": "peers/"}, says={"KeyCount": 0, "Contents": is_empty}),
    s3(
        "ListObjectsV2", fails="SignatureDoesNotMatch", modelled=False, signed="with a wrong secret"
    ),
    s3("ListObjectsV2", fails="InvalidAccessKeyId", modelled=False, signed="by a stranger"),
]
